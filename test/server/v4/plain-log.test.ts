import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { toConfigRow } from '../../../src/server/store/rows/config-row.ts';
import { findOversize } from '../../../src/server/v4/checked-size.ts';
import { createPlainLogs } from '../../../src/server/v4/plain-log.ts';
import { type LogConfig, logRequest } from '../../../src/wire/v4.ts';
import { parseStored } from '../store/parse-stored.ts';

const PLAIN = {
  ...{
    project: 'p',
    session_reference_id: 's',
    reference_id: 'r',
    parent_reference_id: 'a',
    created_at: '2026-01-01T00:00:00.000Z',
  },
  ...{
    config: { type: 'model', model: 'gpt-4', temperature: 0.5 },
    inputs: { any: [{}] },
    metadata: {},
    output: 'o',
    error: null,
  },
  messages: [
    { role: 'system', content: 'c' },
    { role: 'user', content: [{ type: 'text', text: 't' }], name: 'n' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: '1', content: 'c' },
  ],
  ...{
    output_message: { role: 'assistant', content: 'o' },
    prompt_tokens: 1,
    output_cost: 0.1,
    duration: 1,
    save: true,
  },
};

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    ...[null, '', 'x'.repeat(10_001), 1e11, 1.1e11, 2 ** 31, -(2 ** 31), 0.5, 1e13, true, [], {}, [null], [{}]],
    ...['2026-02-30T00:00:00.000Z', '2026-01-01', 'text', 'function', 'assistant', 'model', { type: 'text', text: 1 }],
    ...[Array(1_001).fill({ role: 'user' }), Array(10_001).fill(1)],
    Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`k${index}`, 1])),
  ),
);

/** Every place in the value, as a path. */
function pathsOf(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, field]) => pathsOf(field, [...at, key])), [...at, 'other']];
}

function replaceAt(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaceAt(copy[key] ?? {}, rest, by);
  return copy;
}

const changed = fc
  .array(fc.tuple(fc.constantFrom(...pathsOf(PLAIN)), odd), { minLength: 1, maxLength: 2 })
  .map((changes) => changes.reduce<unknown>((value, [path, by]) => replaceAt(value, path, by), PLAIN));

test('the usual datapoint is recognised once its config is known', () => {
  const plainLogs = createPlainLogs();
  expect(plainLogs.has(PLAIN)).toBe(false);
  plainLogs.learn(PLAIN);
  expect(plainLogs.has(PLAIN)).toBe(true);
  expect(plainLogs.has({ ...PLAIN, config: { ...PLAIN.config, max_tokens: 0.5 } })).toBe(false);
});

test('a config is recognised by the text that it came in, without being written again', () => {
  const plainLogs = createPlainLogs();
  plainLogs.learn(PLAIN);
  const text = JSON.stringify(PLAIN);
  const read = (): object => {
    return parseStored(text, new Set(['config']));
  };
  toConfigRow((PLAIN as { config: LogConfig }).config);
  const [item, { config }] = [read(), read() as { config: LogConfig }];
  const stringify = vi.spyOn(JSON, 'stringify');
  onTestFinished(() => stringify.mockRestore());
  expect(plainLogs.has(item)).toBe(true);
  expect(toConfigRow(config)).toMatchObject({ type: 'model', model: 'gpt-4' });
  expect(stringify).not.toHaveBeenCalled();
});

test('a config whose text has its keys in another order than is written is recognised all the same', () => {
  const plainLogs = createPlainLogs();
  const text = '{"project":"p","config":{"type":"model","model":"gpt-4","other":{"b":1,"2":2}}}';
  const item = parseStored(text, new Set(['config']));
  plainLogs.learn(item);
  expect(plainLogs.has(item)).toBe(true);
  expect(toConfigRow(item.config)).toEqual(toConfigRow(JSON.parse(text).config));
});

test('what is recognised is valid', () => {
  const isValid = (value: unknown) => logRequest.safeParse(value).success && !findOversize(value, []);
  let recognised = 0;
  fc.assert(
    fc.property(changed, (value) => {
      const plainLogs = createPlainLogs();
      plainLogs.learn(PLAIN);
      if (!plainLogs.has(value)) return;
      recognised += 1;
      expect(isValid(value), JSON.stringify(value).slice(0, 500)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  expect(recognised).toBeGreaterThan(100);
});
