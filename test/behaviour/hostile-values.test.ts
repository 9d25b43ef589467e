/**
 * Values that instrumentations should not set, but that some do set. The app does not notice, and other logs arrive.
 */
import { expect, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, outputOf } from '../support/traced-app.ts';

const circular: Record<string, unknown> = { name: 'circular' };
circular['itself'] = circular;
const throwing = Object.defineProperty({}, 'value', {
  enumerable: true,
  get: () => {
    throw new Error('a getter');
  },
});
const message = (content: string) => `[{"role":"assistant","parts":[{"type":"text","content":${content}}]}]`;

const HOSTILE: Record<string, unknown> = {
  circular,
  throwing,
  bigint: 12345678901234567890n,
  symbol: Symbol('s'),
  function: () => 'f',
  'not a number': Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  null: null,
  undefined: undefined,
  'lone surrogates': 'a \ud800 b \udfff c',
  'a zero': 'a \u0000 b',
  'the text null': 'null',
  'a number': 42,
  'an array of arrays': [[[[1]]], 'x'],
  date: new Date(Number.NaN),
  'a map': new Map([[1, circular]]),
  proxy: new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('a proxy');
      },
    },
  ),
  'json a hundred thousand deep': `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  'cut json': '[{"role":"assistant","parts":[{"type":"te',
  '3 MB': 'x'.repeat(3_000_000),
  '3 MB in a message': message(JSON.stringify('y'.repeat(3_000_000))),
};
const KEYS = [
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.request.temperature',
  'gen_ai.usage.input_tokens',
  'session.id',
  'gen_ai.tool.definitions',
  'some.other.key',
];

let count = 0;

function spanWith(attributes: Record<string, unknown>, overrides: Partial<SpanSlice> = {}): SpanSlice {
  const spanId = (++count).toString(16).padStart(16, '0');
  return {
    name: 'hostile',
    kind: 0,
    spanContext: () => ({ traceId: spanId.padStart(32, 'f'), spanId, traceFlags: 1 }),
    startTime: [1_700_000_000, 0],
    endTime: [1_700_000_001, 0],
    duration: [1, 0],
    ended: true,
    status: { code: 0 },
    attributes: { ...AGENT, ...attributes },
    events: [],
    ...overrides,
  };
}

async function deliver(server: MisbehavingV4, spans: readonly SpanSlice[]): Promise<HumanloopSpanProcessor> {
  const processor = new HumanloopSpanProcessor({
    baseUrl: server.baseUrl,
    retry: { minDelayMillis: 1, maxDelayMillis: 20 },
  });
  for (const span of spans) {
    processor.onStart(span);
    processor.onEnd(span);
  }
  await processor.forceFlush();
  return processor;
}

function expectAccounted(processor: HumanloopSpanProcessor, server: MisbehavingV4, ended: number): void {
  const { logged, dropped } = processor.stats();
  expect(logged + Object.values(dropped).reduce((sum, number) => sum + number, 0)).toBe(ended);
  expect(server.logs.size).toBe(logged);
  expect(server.breaches).toEqual([]);
}

test.each(Object.keys(HOSTILE))('%s, in any attribute, loses no other log', async (name) => {
  const server = await startMisbehavingV4();
  const spans = KEYS.flatMap((key) => [spanWith({ [key]: HOSTILE[name] }), spanWith({ ...outputOf('innocent') })]);
  const processor = await deliver(server, spans);
  expectAccounted(processor, server, spans.length);
  expect([...server.logs.values()].filter(({ output }) => output === 'innocent')).toHaveLength(KEYS.length);
  for (const { body } of server.ofMethod('POST')) expect(body.isWellFormed()).toBe(true);
  await processor.shutdown();
});

test('objects that are not spans throw nothing and lose no other log', async () => {
  const server = await startMisbehavingV4();
  const broken = [
    spanWith({}, { events: undefined as never }),
    spanWith({}, { status: undefined as never }),
    spanWith({}, { startTime: undefined as never }),
    spanWith({}, { endTime: [Number.NaN, Number.NaN] }),
    spanWith({}, { startTime: [-1, 5], duration: [Number.NEGATIVE_INFINITY, 0] }),
    spanWith({}, { name: undefined as never }),
    spanWith({}, { attributes: null as never }),
    spanWith({}, { events: [{ name: null as never, attributes: circular as never, time: [1, 1] }] }),
  ];
  const processor = await deliver(server, [...broken, spanWith({ ...outputOf('innocent') })]);
  for (const garbage of [undefined, null, 7, {}, { spanContext: () => undefined }]) {
    expect(() => processor.onStart(garbage as never)).not.toThrow();
    expect(() => processor.onEnd(garbage as never)).not.toThrow();
  }
  await processor.forceFlush();
  expect([...server.logs.values()].filter(({ output }) => output === 'innocent')).toHaveLength(1);
  for (const { duration, created_at } of server.logs.values()) {
    expect(duration ?? 0).toBeGreaterThanOrEqual(0);
    expect(Date.parse(String(created_at))).not.toBeNaN();
  }
  expect(server.breaches).toEqual([]);
  await processor.shutdown();
});

test('names of prototype properties are data or ignored, and pollute nothing', async () => {
  const server = await startMisbehavingV4();
  const json = (text: string) => ({
    'gen_ai.output.messages': text,
    'gen_ai.input.messages': text,
    'llm.invocation_parameters': text,
  });
  const spans = [
    spanWith(
      JSON.parse('{"__proto__":{"polluted":1},"constructor.prototype.polluted":1,"toString":"x","hasOwnProperty":"x"}'),
    ),
    spanWith({
      'llm.input_messages.__proto__.polluted': 1,
      'gen_ai.prompt.__proto__.polluted': 1,
      'gen_ai.prompt.constructor.prototype.polluted': 1,
    }),
    spanWith(json('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')),
    spanWith(
      json(
        '[{"role":"assistant","__proto__":{"polluted":1},"parts":[{"type":"text","content":"x","__proto__":{"polluted":1}}]}]',
      ),
    ),
    spanWith({ ...outputOf('innocent') }),
  ];
  const processor = await deliver(server, spans);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  expect(Object.prototype.toString.call({})).toBe('[object Object]');
  expectAccounted(processor, server, spans.length);
  expect([...server.logs.values()].some(({ output }) => output === 'innocent')).toBe(true);
  await processor.shutdown();
});
