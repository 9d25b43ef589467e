/** Rows 18, 22 and 23: several processes and threads, and what they must not let out. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { Diary } from '../support/producer/diary.ts';
import type { Plan } from '../support/producer/producer.ts';
import { bundled, planIn, startProducer, startScript } from '../support/producer/start-producer.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';

const API_KEY = 'hl_sk_this_must_not_be_seen';
const FORMS = [
  API_KEY,
  Buffer.from(API_KEY).toString('base64'),
  Buffer.from(API_KEY).toString('hex'),
  encodeURIComponent(API_KEY),
];

function planFor(directory: string, server: MisbehavingV4, diary: string, plan: Partial<Plan> = {}): Plan {
  const options = { apiKey: API_KEY, holdMillis: 100, ...plan.options };
  return planIn(directory, server.baseUrl, {
    seed: 7,
    diary,
    traces: 20,
    openShare: 0,
    ending: 'drain',
    ...plan,
    options,
  });
}

async function allSafe(diary: string): Promise<void> {
  const isSafe = () => {
    const spans = [...new Diary(diary).spans.values()].filter(({ isEnded }) => isEnded);
    return spans.length > 20 && spans.every((span) => span.isSafe);
  };
  await expect.poll(isSafe, { timeout: 15_000 }).toBe(true);
}

function expectArrived(server: MisbehavingV4, diary: string, which: 'isEnded' | 'isSafe'): void {
  const spans = [...new Diary(diary).spans.values()].filter((span) => span[which]);
  expect(spans.length).toBeGreaterThan(0);
  expect(spans.filter(({ reference }) => !server.logs.has(reference))).toEqual([]);
}

test('22: four workers of a cluster share a directory, two are killed: all arrives, and nothing twice', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({
    fault: (_, index) => (index % 4 === 0 ? { answer: { status: 503 } } : undefined),
  });
  const cluster = join(directory, 'cluster.mjs');
  writeFileSync(
    cluster,
    `import cluster from 'node:cluster';
    const plans = JSON.parse(process.env.PLANS);
    cluster.setupPrimary({ exec: process.env.PRODUCER, execArgv: ['--unhandled-rejections=strict'] });
    const workers = plans.map((plan) => cluster.fork({ PLAN: JSON.stringify(plan) }));
    let left = workers.length;
    for (const worker of workers) worker.on('exit', () => { if (--left === 0) process.exit(0); });
    console.log(workers.map((worker) => worker.process.pid).join(' '));`,
  );
  const plans = [0, 1, 2, 3].map((worker) =>
    planFor(directory, server, `worker-${worker}`, { seed: worker, ending: 'wait', openShare: 0.1 }),
  );
  const primary = startScript(cluster, {
    PLANS: JSON.stringify(plans),
    PRODUCER: await bundled('test/support/producer/producer.ts'),
  });
  onTestFinished(() => void primary.child.kill('SIGKILL'));
  for (const { diary } of plans) await allSafe(diary);
  const pids = primary.output.split('\n')[0]?.split(' ').map(Number) ?? [];
  expect(pids).toHaveLength(4);
  for (const [index, pid] of pids.entries()) process.kill(pid, index < 2 ? 'SIGKILL' : 'SIGTERM');
  expect(await primary.ended, primary.output).toBe(0);
  const last = await startProducer(planFor(directory, server, 'last', { traces: 0 }));
  expect(await last.ended, last.output).toBe(0);
  for (const { diary } of plans) expectArrived(server, diary, 'isSafe');
  expect(server.breaches).toEqual([]);
  expect(readdirSync(join(directory, 'spool'))).toEqual([]);
});

test('23: a worker thread that is terminated while it sends leaves its spool to the next', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const plan = planFor(directory, server, 'thread', { ending: 'wait' });
  const worker = new Worker(await bundled('test/support/producer/producer.ts'), {
    env: { PLAN: JSON.stringify(plan) },
    stdout: true,
    stderr: true,
  });
  onTestFinished(async () => void (await worker.terminate()));
  await allSafe(plan.diary);
  await worker.terminate();
  server.fault = undefined;
  const next = await startProducer(planFor(directory, server, 'next', { traces: 0 }));
  expect(await next.ended, next.output).toBe(0);
  expectArrived(server, plan.diary, 'isSafe');
  expect(server.breaches).toEqual([]);
});

test('23: twenty of them set no listeners that Node warns of', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.name);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const server = await startMisbehavingV4();
  const all = Array.from({ length: 20 }, () => new HumanloopSpanProcessor({ baseUrl: server.baseUrl }));
  await Promise.all(all.map((processor) => processor.forceFlush()));
  await Promise.all(all.map((processor) => processor.shutdown()));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(warnings.filter((name) => name === 'MaxListenersExceededWarning')).toEqual([]);
});

test('18: with a key that is refused, at the wordiest level, no output and no file holds it', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({
    fault: () => ({ answer: { status: 401, body: { detail: `bad key ${API_KEY}` } } }),
  });
  const plan = planFor(directory, server, 'refused', { ending: 'shutdown', options: { flushTimeoutMillis: 300 } });
  const producer = await startProducer(plan);
  await producer.ended;
  expect(producer.output).toContain('HTTP 401');
  const spool = join(directory, 'spool');
  const files = readdirSync(spool).map((name) => readFileSync(join(spool, name), 'latin1'));
  expect(files.length).toBeGreaterThan(0);
  for (const text of [producer.output, readFileSync(plan.diary, 'utf8'), ...files]) {
    for (const form of FORMS) expect(text).not.toContain(form);
  }
});

test('18: nor does the look of a processor or an exporter, or an error that one throws', async () => {
  for (const Client of [HumanloopSpanProcessor, HumanloopSpanExporter]) {
    const client = new Client({ apiKey: API_KEY, baseUrl: 'http://127.0.0.1:9', flushTimeoutMillis: 50 });
    const texts = [inspect(client, { depth: 20, showHidden: true }), JSON.stringify(client), String(client)];
    for (const text of texts) expect(text).not.toContain(API_KEY);
  }
  const bad = { apiKey: `${API_KEY}\u00e9`, baseUrl: `http://user:${API_KEY}@127.0.0.1` };
  for (const options of [{ apiKey: bad.apiKey }, { baseUrl: bad.baseUrl }, { apiKey: [API_KEY] as never }]) {
    const error = (() => {
      try {
        return new HumanloopSpanProcessor(options);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error)).not.toContain(API_KEY);
  }
});
