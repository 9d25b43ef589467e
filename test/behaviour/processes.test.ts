/** Several processes and threads of one app, and a process that may open only a few files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { Diary } from '../support/producer/diary.ts';
import type { Plan } from '../support/producer/producer.ts';
import { bundled, planIn, startProducer, startScript } from '../support/producer/start-producer.ts';
import { Random } from '../support/random.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';
import { spoolFiles } from './spool/spooled-app.ts';

function planFor(directory: string, server: MisbehavingV4, diary: string, plan: Partial<Plan> = {}): Plan {
  const options = { holdMillis: 100, ...plan.options };
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
  await expect.poll(isSafe).toBe(true);
}

function expectArrived(server: MisbehavingV4, diary: string): void {
  const spans = [...new Diary(diary).spans.values()].filter(({ isSafe }) => isSafe);
  expect(spans.length).toBeGreaterThan(0);
  expect(spans.filter(({ reference }) => !server.logs.has(reference))).toEqual([]);
}

test('four workers of a cluster share a directory, two are killed: every log arrives once', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({
    fault: (_, index) => (index % 4 === 0 ? { answer: { status: 503 } } : undefined),
  });
  const plans = [0, 1, 2, 3].map((worker) =>
    planFor(directory, server, `worker-${worker}`, { seed: worker, ending: 'wait', openShare: 0.1 }),
  );
  const primary = startScript(await bundled('test/support/producer/cluster.ts'), {
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
  for (const { diary } of plans) expectArrived(server, diary);
  expect(server.breaches).toEqual([]);
  expect(spoolFiles(join(directory, 'spool'))).toEqual([]);
});

test('a worker thread that is terminated while it sends leaves its spool to the next one', async () => {
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
  expectArrived(server, plan.diary);
  expect(server.breaches).toEqual([]);
});

test('twenty processors add no listeners that Node warns about', async () => {
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

test('64 open files are enough, with a spool and a server that cuts connections', async () => {
  const directory = temporaryDirectory();
  const random = new Random(27);
  const server = await startMisbehavingV4({ fault: () => (random.chance(0.2) ? { answer: 'reset' } : undefined) });
  const plan = planIn(directory, server.baseUrl, {
    seed: 1,
    diary: 'diary',
    traces: 200,
    maxPauseMillis: 0,
    openShare: 0,
    ending: 'drain',
    options: { batch: { maxItems: 10 }, timeoutMillis: 10_000 },
  });
  const command = `ulimit -n 64; exec "${process.execPath}" "${await bundled('test/support/producer/producer.ts')}"`;
  const child = spawn('sh', ['-c', command], { env: { PATH: process.env['PATH'], PLAN: JSON.stringify(plan) } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect({ code, said: said.includes('EMFILE') }).toEqual({ code: 0, said: false });
  const { spans } = new Diary(plan.diary);
  expect(spans.size).toBeGreaterThan(500);
  expect([...spans.keys()].filter((reference) => !server.logs.has(reference))).toEqual([]);
  expect(server.breaches).toEqual([]);
});
