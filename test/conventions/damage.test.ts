import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSession, readTags, readUser } from '../../src/conventions/context.ts';
import { CONVENTIONS, classifySpan, readSpan } from '../../src/conventions/index.ts';
import { SpanFields } from '../../src/conventions/values/span-fields.ts';
import { toDatapoint } from '../../src/datapoint/to-datapoint.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { parseJson } from '../../src/wire/json.ts';
import { logRequest } from '../../src/wire/v4.ts';
import {
  loadRecording,
  type RecordedSpan,
  recordingNames,
  SETTINGS,
  toSpan,
  toSpans,
  toStartedSpan,
} from './recordings.ts';

const RECORDED = recordingNames().map((name) => loadRecording(name));
const SPANS = RECORDED.flatMap(({ spans }) => spans);
const IDENTITY = { referenceId: 'a-b', sessionReferenceId: 'a', parentReferenceId: 'a-c' };

/** Content of the fake model and its callers in the recordings. */
const CONTENT = /Paris|rainy|weather bot|Rate limit reached|per-minute rate/i;

const strangeValue = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    '',
    'null',
    '[]',
    '{}',
    '"',
    '[null]',
  ),
  fc.constantFrom<unknown>(
    '\ud800',
    '{"a":"\udfff"}',
    10n,
    Symbol('s'),
    () => 1,
    new Date(Number.NaN),
    new Uint8Array(3),
  ),
  fc.constantFrom<unknown>('['.repeat(20_000), `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, circular()),
  // What has no text: `String()` of it throws.
  fc.constantFrom<unknown>(Object.create(null), '{"type":{"toString":1,"valueOf":1}}', '{"toString":1,"valueOf":1}'),
  fc.constantFrom<unknown>('{"__proto__":{"polluted":1}}', '[{"role":"user","content":{"__proto__":{"polluted":1}}}]'),
  fc.jsonValue(),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.anything(),
);

type Damage = {
  key: number;
  how: 'drop' | 'cut' | 'replace' | 'inside' | 'surrogate' | 'wrap';
  at: number;
  value: unknown;
};

const damage: fc.Arbitrary<Damage> = fc.record({
  key: fc.nat(200),
  how: fc.constantFrom('drop', 'cut', 'replace', 'inside', 'surrogate', 'wrap'),
  at: fc.nat(5_000),
  value: strangeValue,
});

const damaged = fc
  .record({ span: fc.constantFrom(...SPANS), damages: fc.array(damage, { maxLength: 8 }), clock: fc.boolean() })
  .map(({ span, damages, clock }) => toSpan(broken(span, damages, clock)));

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1_500);

describe('whatever became of the attributes', () => {
  it('no convention throws', () => {
    fc.assert(
      fc.property(damaged, (span) => {
        for (const convention of CONVENTIONS) {
          const kind = convention.classify(span);
          if (kind) convention.read(span, kind, new SpanFields(span));
        }
        readSession(span);
        readUser(span);
        readTags(span);
      }),
      { numRuns: RUNS },
    );
  });

  it('datapoints are valid, and JSON of well-formed text', () => {
    fc.assert(
      fc.property(damaged, (span) => {
        const datapoint = map(span, true);
        if (!datapoint) return;
        expect(logRequest.safeParse(datapoint).error?.issues).toBeUndefined();
        const json = JSON.stringify(datapoint);
        expect(json).not.toMatch(/[^\\]\\ud[89a-f]/);
        expect(logRequest.safeParse(JSON.parse(json)).error?.issues).toBeUndefined();
        expect(Number.isNaN(Date.parse(datapoint.created_at ?? ''))).toBe(false);
        expect(datapoint.duration ?? 0).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: RUNS },
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('nor whatever became of names', () => {
    const strangeNames = fc.record({ span: fc.constantFrom(...SPANS), name: strangeValue, scope: strangeValue });
    fc.assert(
      fc.property(strangeNames, ({ span, name, scope }) => {
        const renamed = { ...span, name, instrumentationScope: { name: scope, version: scope } } as RecordedSpan;
        const datapoint = map(toSpan(renamed), true);
        if (datapoint) expect(logRequest.safeParse(datapoint).error?.issues).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
  });

  it('no content is left if content is off', () => {
    fc.assert(
      fc.property(damaged, (span) => {
        expect(JSON.stringify(map(span, false)) ?? '').not.toMatch(CONTENT);
      }),
      { numRuns: RUNS },
    );
  });
});

describe.each(RECORDED)('$name', (recording) => {
  it('leaves no content if content is off, and keeps structure', () => {
    for (const span of toSpans(recording)) {
      const datapoint = map(span, false);
      if (!datapoint) continue;
      expect(JSON.stringify(datapoint)).not.toMatch(CONTENT);
      expect(logRequest.safeParse(datapoint).error?.issues).toBeUndefined();
      const whole = map(span, true)!;
      expect(datapoint.prompt_tokens).toBe(whole.prompt_tokens);
      expect(datapoint.duration).toBe(whole.duration);
      expect(datapoint.config?.type).toBe(whole.config?.type);
      expect(datapoint.error === undefined).toBe(whole.error === undefined);
    }
  });

  it('never takes a span for a log at its start that is not a log at its end', () => {
    for (const recorded of recording.spans) {
      if (recorded.$onStart && classifySpan(toStartedSpan(recorded)))
        expect(classifySpan(toSpan(recorded))).toBeDefined();
    }
  });
});

function map(span: SpanSlice, captureContent: boolean) {
  const classified = classifySpan(span);
  return classified && toDatapoint(span, classified.kind, readSpan(span), IDENTITY, { ...SETTINGS, captureContent });
}

function broken(span: RecordedSpan, damages: readonly Damage[], brokenClock: boolean): RecordedSpan {
  const attributes: Record<string, unknown> = { ...span.attributes };
  const keys = Object.keys(attributes);
  for (const { key: index, how, at, value } of damages) {
    const key = keys[index % keys.length];
    if (key === undefined) continue;
    const before = attributes[key];
    if (how === 'drop') delete attributes[key];
    else if (how === 'cut')
      attributes[key] = typeof before === 'string' ? before.slice(0, at % (before.length + 1)) : [before];
    else if (how === 'inside') attributes[key] = replaceInside(before, at, value);
    else if (how === 'surrogate') attributes[key] = typeof before === 'string' ? `${before}\ud800` : '\udc00';
    else if (how === 'wrap') attributes[key] = { __proto__: null, value: before, constructor: value };
    else attributes[key] = value;
  }
  Object.defineProperty(attributes, '__proto__', { value: { polluted: 1 }, enumerable: true });
  const times = brokenClock ? { startTime: [Number.NaN, 0] as const, duration: [-5, 0] as const } : {};
  return { ...span, ...times, attributes };
}

/** Replaces one value within the JSON of a text. */
function replaceInside(text: unknown, at: number, value: unknown): unknown {
  const tree = typeof text === 'string' ? parseJson(text) : undefined;
  if (typeof tree !== 'object' || tree === null) return text;
  const places: [Record<string, unknown>, string][] = [];
  const walk = (node: object, depth: number): void => {
    for (const [key, child] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, key]);
      if (typeof child === 'object' && child !== null && depth < 20) walk(child, depth + 1);
    }
  };
  walk(tree, 0);
  const place = places[at % places.length];
  if (!place) return text;
  place[0][place[1]] = typeof value === 'string' ? (parseJson(value) ?? value) : value;
  try {
    return JSON.stringify(tree);
  } catch {
    return text;
  }
}

function circular(): unknown {
  const value: Record<string, unknown> = { role: 'user' };
  value['content'] = [value, value];
  value['parts'] = value;
  return value;
}
