/** The end of an app. */
import { diag } from '@opentelemetry/api';
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf } from '../support/traced-app.ts';

const DEADLINE_MILLIS = 400;
/** What would be waited for without the deadline. */
const LONG_MILLIS = 30_000;

const SERVERS: Record<string, Misbehaviour> = {
  healthy: {},
  slow: { delayMillis: 100 },
  hanging: { answer: 'hang' },
  dripping: { answer: 'drip' },
  overloaded: { answer: { status: 429, headers: { 'retry-after': '60' } } },
};

for (const [name, fault] of Object.entries(SERVERS)) {
  test(`shutdown with a server that is ${name} keeps its deadline and counts every log`, async () => {
    const server = await startMisbehavingV4({ fault: () => fault });
    const isWorking = fault.answer === undefined;
    const deadlineMillis = isWorking ? LONG_MILLIS : DEADLINE_MILLIS;
    const app = appWithProcessor(server, { flushTimeoutMillis: deadlineMillis, timeoutMillis: LONG_MILLIS });
    const root = app.start('root', { attributes: AGENT });
    for (let left = 20; left > 0; left--)
      app.start('child', { parent: root, attributes: { ...AGENT, ...outputOf('x') } }).end();
    root.end();
    const startedAt = performance.now();
    await Promise.all([app.client.shutdown(), app.client.shutdown()]);
    expect(performance.now() - startedAt).toBeLessThan(LONG_MILLIS / 2);
    app.expectAccounted();
    expect(app.stats).toMatchObject({ logged: isWorking ? 21 : 0, dropped: isWorking ? {} : { shutdown: 21 } });
    await app.client.shutdown();
  });
}

test('a span that ends while the shutdown runs is either closed or lost', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const spans = Array.from({ length: 20 }, () => app.start('call'));
  const isOver = app.client.shutdown();
  for (const span of spans.splice(0, 10)) span.end();
  await isOver;
  for (const span of spans) span.end();
  expect([app.stats.logged, app.stats.dropped]).toEqual([20, {}]);

  const away = appWithProcessor(server, { flushTimeoutMillis: 0 });
  const lost = Array.from({ length: 20 }, () => away.start('call'));
  const isGivenUp = away.client.shutdown();
  for (const span of lost.splice(0, 10)) span.end();
  await isGivenUp;
  for (const span of lost) span.end();
  const { logged, dropped } = away.stats;
  expect(logged + (dropped['shutdown'] ?? 0)).toBe(20);
});

test('no handlers of signals or process events are added', async () => {
  const names = () =>
    ['SIGTERM', 'SIGINT', 'exit', 'beforeExit', 'uncaughtException', 'unhandledRejection'].map((name) =>
      process.listenerCount(name),
    );
  const before = names();
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  app.start('call').end();
  await app.client.forceFlush();
  expect(names()).toEqual(before);
});

test('a processor that is never used and never shut down costs nothing', async () => {
  const before = process.getActiveResourcesInfo().length;
  for (let left = 20; left > 0; left--) new HumanloopSpanProcessor();
  expect(process.getActiveResourcesInfo().length).toBe(before);
});

test.each([
  ['processor', appWithProcessor],
  ['exporter', appWithExporter],
] as const)(
  'a %s that made no log of its spans says so at its end to who listens, and no other does',
  async (_, create) => {
    const said: string[] = [];
    const info = (line: string) => said.push(line);
    diag.setLogger({ error() {}, warn() {}, info, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    const server = await startMisbehavingV4();
    const shutDownAfter = async (...spans: (typeof CHAT)[]) => {
      const app = create(server);
      for (const attributes of spans) app.startOther('GET', { attributes }).end();
      await app.provider.shutdown();
      return said.splice(0).filter((line) => line.includes('no log was made'));
    };
    const other = { 'http.request.method': 'GET' };
    expect(await shutDownAfter()).toEqual([]);
    expect(await shutDownAfter(other, CHAT)).toEqual([]);
    expect(await shutDownAfter(other, other)).toEqual([
      'humanloop-otel: no log was made, since none of 2 spans is one of an LLM that is known and sampled: ' +
        'npx humanloop-otel check says which packages are seen',
    ]);
  },
);
