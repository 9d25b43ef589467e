/** The exporter calls its callback exactly once. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { type ExportResult, type HumanloopOptions, HumanloopSpanExporter } from '../../src/index.ts';
import { type MisbehavingV4, type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { appWithProcessor, QUICK } from '../support/traced-app.ts';

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
  { name: 'redact hangs', options: { redact: () => new Promise<never>(() => undefined) } },
  { name: 'it was shut down', before: (exporter) => exporter.shutdown(), code: 1 },
  { name: 'it is shut down meanwhile', during: (exporter) => exporter.shutdown() },
  { name: 'it is flushed meanwhile', during: (exporter) => exporter.forceFlush().catch(() => undefined) },
];

test.each(CASES)(
  'the callback is called once when $name',
  async ({ fault, options, before, during, count = 3, code = 0 }) => {
    const server = await startMisbehavingV4({ ...(fault && { fault: () => fault }) });
    const base = { ...QUICK, baseUrl: server.baseUrl, timeoutMillis: 150, flushTimeoutMillis: 150, holdMillis: 10 };
    const exporter = new HumanloopSpanExporter({ ...base, ...options, environment: 'callbacks' });
    await before?.(exporter);
    const results: ExportResult[] = [];
    exporter.export(spansOf(count, server), (result) => {
      results.push(result);
      // The SDK's callbacks may throw; that must not cause another call.
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
