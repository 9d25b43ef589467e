/**
 * The next process sends the spans that a killed one had ended: once, parents first. test/chaos is the random version.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type MisbehavingV4, startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { Diary } from '../../support/producer/diary.ts';
import type { Plan } from '../../support/producer/producer.ts';
import { type Producer, planIn, startProducer } from '../../support/producer/start-producer.ts';
import { temporaryDirectory } from '../../support/start-test-server.ts';
import { spoolFiles } from './spooled-app.ts';

const PROCESS_EXITED = 'process exited before the span ended';
const API_KEY = 'hl_sk_the_secret_of_the_test';

let count = 0;

function planFor(directory: string, server: MisbehavingV4, plan: Partial<Plan> = {}): Plan {
  const seed = ++count;
  const options = { apiKey: API_KEY, holdMillis: 300, ...plan.options };
  return planIn(directory, server.baseUrl, {
    seed,
    diary: `diary-${seed}`,
    traces: 15,
    openShare: 0.5,
    ending: 'wait',
    ...plan,
    options,
  });
}

async function run(plan: Plan): Promise<Producer> {
  const producer = await startProducer(plan);
  onTestFinished(() => void producer.child.kill('SIGKILL'));
  return producer;
}

async function kill(producer: Producer): Promise<void> {
  producer.child.kill('SIGKILL');
  expect(await producer.ended).toBe('SIGKILL');
}

async function drain(plan: Plan): Promise<void> {
  const producer = await run({ ...plan, ending: 'drain', traces: 0 });
  expect(await producer.ended, producer.output).toBe(0);
}

/** Waits until the diary says that all ended spans are on disk, and returns the diary. */
async function settled(plan: Plan): Promise<Diary> {
  await expect
    .poll(() => [...new Diary(plan.diary).spans.values()].every((span) => !span.isEnded || span.isSafe), {
      timeout: 30_000,
    })
    .toBe(true);
  return new Diary(plan.diary);
}

function expectComplete(server: MisbehavingV4, diary: Diary): void {
  expect(server.breaches).toEqual([]);
  const spans = [...diary.spans.values()];
  expect(spans.some(({ isEnded }) => isEnded)).toBe(true);
  for (const { reference, isSafe, isEnding, ancestors } of spans) {
    const log = server.logs.get(reference);
    if (isSafe) expect(log, reference).toMatchObject({ output: expect.stringContaining(reference) });
    if (isSafe) expect(log?.error).toBeUndefined();
    if (log && !isEnding) expect(log).toMatchObject({ error: PROCESS_EXITED, duration: expect.any(Number) });
    if (log?.parent_reference_id) expect(ancestors).toContain(log.parent_reference_id);
  }
}

test('spans that ended before a kill arrive with the next start, once and parents first; open ones are closed', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 503 } }) });
  const plan = planFor(directory, server);
  const producer = await run(plan);
  await producer.says('traced');
  const diary = await settled(plan);
  await kill(producer);
  expect(server.logs.size).toBe(0);
  server.fault = undefined;
  await drain(planFor(directory, server));
  expectComplete(server, diary);
  expect([...server.logs.values()].filter(({ error }) => error === PROCESS_EXITED).length).toBeGreaterThan(0);
  expect(spoolFiles(join(directory, 'spool'))).toEqual([]);
});

test('spans that are held under an open agent survive, too, and so does the agent, as far as it was known', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4();
  const plan = planFor(directory, server, { openShare: 1, options: { holdMillis: 60_000 } });
  const producer = await run(plan);
  await producer.says('traced');
  const diary = await settled(plan);
  await kill(producer);
  await drain(planFor(directory, server));
  expectComplete(server, diary);
  const closed = [...server.logs.values()].filter(({ error }) => error === PROCESS_EXITED);
  expect(closed.length).toBeGreaterThan(0);
  for (const { duration } of closed) expect(duration).toBeLessThan(20);
});

test('a kill while requests are in flight, and a second one during recovery, change nothing', async () => {
  const directory = temporaryDirectory();
  // Every other answer is lost after the logs are stored, so that many logs are unsure at every kill.
  const server = await startMisbehavingV4({
    fault: (_, index) => (index % 2 ? { stores: true, answer: 'hang' } : { delayMillis: 30 }),
  });
  const plan = planFor(directory, server, { options: { batch: { maxItems: 5 } } });
  const producer = await run(plan);
  await producer.says('traced');
  const diary = await settled(plan);
  await kill(producer);
  for (const afterMillis of [20, 100]) {
    const recovering = await run(planFor(directory, server, { traces: 0 }));
    await recovering.says('ready');
    await new Promise((resolve) => setTimeout(resolve, afterMillis));
    await kill(recovering);
  }
  server.fault = undefined;
  await drain(planFor(directory, server));
  expectComplete(server, diary);
  expect(
    spoolFiles(join(directory, 'spool')).filter((name) => statSync(join(directory, 'spool', name)).size > 0),
  ).toEqual([]);
});

test('a log that a crash left open is closed with the last write of its own process, however often its row is moved', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 503 } }) });
  const plan = planFor(directory, server, { traces: 5, openShare: 1 });
  const producer = await run(plan);
  await producer.says('traced');
  await settled(plan);
  await kill(producer);
  const killedMillis = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 400));
  const recovering = await run(planFor(directory, server, { traces: 1 }));
  await recovering.says('traced');
  await new Promise((resolve) => setTimeout(resolve, 200));
  await kill(recovering);
  server.fault = undefined;
  await drain(planFor(directory, server));
  const spans = new Diary(plan.diary).spans;
  const closed = [...server.logs].filter(([reference, { error }]) => spans.has(reference) && error === PROCESS_EXITED);
  expect(closed.length).toBeGreaterThan(0);
  for (const [, { created_at, duration }] of closed) {
    expect(Date.parse(String(created_at)) + Number(duration) * 1_000).toBeLessThanOrEqual(killedMillis + 1);
  }
});

test('logs that were on disk before a process.exit arrive with the next start', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const plan = planFor(directory, server, {
    traces: 20,
    maxPauseMillis: 20,
    openShare: 0.2,
    minSafe: 6,
    ending: 'exit',
  });
  const producer = await run(plan);
  expect(await producer.ended).toBe(0);
  server.fault = undefined;
  await drain(planFor(directory, server));
  const safe = [...new Diary(plan.diary).spans.values()].filter(({ isSafe }) => isSafe);
  expect(safe.length).toBeGreaterThan(5);
  expect(safe.filter(({ reference }) => !server.logs.has(reference))).toEqual([]);
  expect(server.breaches).toEqual([]);
});

test('one of two live processes that share a directory sends the logs of a dead one, and nothing is sent twice', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 503 } }) });
  const plans = [planFor(directory, server), planFor(directory, server), planFor(directory, server)] as const;
  const [dead, ...live] = await Promise.all(plans.map(run));
  await Promise.all([dead, ...live].map((producer) => producer?.says('traced')));
  const diaries = await Promise.all(plans.map(settled));
  await kill(dead as Producer);
  expect(readdirSync(join(directory, 'spool')).filter((name) => name.endsWith('.spool'))).toHaveLength(3);
  server.fault = undefined;
  await Promise.all([drain(planFor(directory, server)), drain(planFor(directory, server))]);
  await expect
    .poll(() =>
      diaries.every(({ spans }) => [...spans.values()].every((s) => !s.isSafe || server.logs.has(s.reference))),
    )
    .toBe(true);
  expect(server.breaches).toEqual([]);
  expectComplete(server, diaries[0] as Diary);
});

test('only their owner can read the files, and the key is not in them in any form', async () => {
  const directory = temporaryDirectory();
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 401 } }) });
  const plan = planFor(directory, server);
  const producer = await run(plan);
  await producer.says('traced');
  await settled(plan);
  const spool = join(directory, 'spool');
  expect(statSync(spool).mode & 0o777).toBe(0o700);
  const names = readdirSync(spool);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    expect(statSync(join(spool, name)).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(join(spool, name));
    for (const secret of [API_KEY, Buffer.from(API_KEY).toString('base64'), Buffer.from(API_KEY).toString('hex')]) {
      expect(bytes.includes(secret)).toBe(false);
    }
  }
  expect(names.some((name) => readFileSync(join(spool, name)).includes('output of'))).toBe(true);
  await kill(producer);
  expect(existsSync(spool)).toBe(true);
});
