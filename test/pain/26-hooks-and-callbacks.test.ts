/** Hooks of the user that throw or hang, and the one call that an exporter owes. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect, test, vi } from 'vitest';
import { type ExportResult, type HumanloopOptions, HumanloopSpanExporter } from '../../src/index.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { type MisbehavingV4, type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, QUICK, referenceOf } from '../support/traced-app.ts';

const fail = () => {
  throw new Error('a hook of the user');
};
const reject = async () => fail();
const never = () => new Promise<never>(() => undefined);

test.each<[string, HumanloopOptions]>([
  ['include throws', { include: fail }],
  ['session throws', { session: fail }],
  ['project throws', { project: fail }],
  ['onDrop throws', { onDrop: fail }],
  ['onDrop rejects', { onDrop: reject }],
  ['project gives no text', { project: () => 7 as never }],
  ['session rejects', { session: reject as never }],
  ['project rejects', { project: reject as never }],
  ['include rejects', { include: reject as never }],
  ['redact throws', { redact: fail }],
  ['redact rejects', { redact: reject }],
])('26: %s: all logs arrive', async (_, options) => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server, options), appWithExporter(server, options)]) {
    const root = app.start('root', { attributes: AGENT });
    const call = app.start('call', { parent: root, attributes: { ...CHAT, ...outputOf('said') } });
    call.end();
    root.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
    expect(app.log(call)).toMatchObject({
      parent_reference_id: referenceOf(root),
      session_reference_id: root.spanContext().traceId,
      project: expect.stringContaining('unknown_service'),
    });
  }
});

test('26: a redact that never answers for one log holds up no other, and that one goes without content', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithProcessor(server, {
    redact: (log) => (log.output === 'slow' ? never() : log),
    // Longer than a hook may take.
    flushTimeoutMillis: 20_000,
  });
  const slow = app.start('slow', { attributes: { ...CHAT, ...outputOf('slow') } });
  const child = app.start('child', { parent: slow, attributes: { ...CHAT, ...outputOf('fast') } });
  const other = app.start('other', { attributes: { ...CHAT, ...outputOf('fast') } });
  for (const span of [child, slow, other]) span.end();
  const flushed = app.client.forceFlush();
  await vi.waitUntil(() => app.log(other) !== undefined);
  expect(server.logs.size).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  await flushed;
  app.expectDelivered();
  expect(app.log(slow)?.output).toBeUndefined();
  expect(app.log(slow)?.metadata).toMatchObject({ redaction: 'failed' });
  expect(app.log(child)).toMatchObject({ output: 'fast', parent_reference_id: referenceOf(slow) });
});

function spansOf(count: number, server: MisbehavingV4): ReadableSpan[] {
  const app = appWithProcessor(server, { include: () => false });
  return Array.from({ length: count }, () => {
    const span = app.start('call');
    span.end();
    return span as unknown as ReadableSpan;
  });
}

interface CallbackCase {
  readonly name: string;
  readonly fault?: Misbehaviour;
  readonly options?: HumanloopOptions;
  readonly before?: (exporter: HumanloopSpanExporter) => Promise<unknown>;
  readonly during?: (exporter: HumanloopSpanExporter) => Promise<unknown>;
  readonly count?: number;
  readonly code?: number;
}

const CASES: CallbackCase[] = [
  { name: 'all goes well' },
  { name: 'nothing is exported', count: 0 },
  { name: 'the server refuses all', fault: { answer: { status: 422 } } },
  { name: 'the key is wrong', fault: { answer: { status: 401 } } },
  { name: 'the server asks to wait', fault: { answer: { status: 429, headers: { 'retry-after': '60' } } } },
  { name: 'the server fails', fault: { answer: { status: 500 } } },
  { name: 'the server gives a page', fault: { answer: 'html' } },
  { name: 'the connection is cut', fault: { answer: 'reset' } },
  { name: 'the server never answers', fault: { answer: 'hang' } },
  { name: 'the answer never ends', fault: { answer: 'drip' } },
  { name: 'all is redacted', options: { redact: () => null } },
  { name: 'redact hangs', options: { redact: never } },
  { name: 'it was shut down', before: (exporter) => exporter.shutdown(), code: 1 },
  { name: 'it is shut down meanwhile', during: (exporter) => exporter.shutdown() },
  { name: 'it is flushed meanwhile', during: (exporter) => exporter.forceFlush().catch(() => undefined) },
];

test.each(CASES)(
  '27: the callback is called once when $name',
  async ({ fault, options, before, during, count = 3, code = 0 }) => {
    const server = await startMisbehavingV4({ ...(fault && { fault: () => fault }) });
    const base = { ...QUICK, baseUrl: server.baseUrl, timeoutMillis: 150, flushTimeoutMillis: 150, holdMillis: 10 };
    const exporter = new HumanloopSpanExporter({ ...base, ...options, environment: 'callbacks' });
    await before?.(exporter);
    const results: ExportResult[] = [];
    exporter.export(spansOf(count, server), (result) => {
      results.push(result);
      // The SDK's callbacks may throw; that is no reason for another call.
      throw new Error('the callback itself');
    });
    const others = during?.(exporter);
    await expect.poll(() => results.length).toBe(1);
    await others;
    await exporter.shutdown();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(results.map((result) => result.code)).toEqual([code]);
    const { logged, dropped } = exporter.stats();
    const given = Object.values(dropped).reduce((sum, some) => sum + some, 0);
    expect(logged + given).toBe(code === 1 ? given : count);
  },
);

test('28: a flush is not the end: what is exported after it arrives, and so again', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    for (let round = 1; round <= 3; round++) {
      app.start('call').end();
      await app.provider.forceFlush();
      await app.client.forceFlush();
      expect(app.stats.logged).toBe(round);
    }
    app.expectDelivered();
  }
});

test('28: nor is a flush that failed', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const app = appWithProcessor(server, { timeoutMillis: 50, flushTimeoutMillis: 100 });
  app.start('first').end();
  await expect(app.client.forceFlush()).rejects.toThrow('not acknowledged');
  server.fault = undefined;
  app.start('second').end();
  await expect.poll(() => app.stats.logged).toBe(2);
  app.expectDelivered();
});
