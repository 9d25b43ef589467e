import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFinishReason } from '../../../src/conventions/content/messages/finish-reason.ts';
import { toModelTools } from '../../../src/conventions/content/model-tools.ts';
import { readError } from '../../../src/conventions/content/read-error.ts';
import { readSession, readTags, readUser } from '../../../src/conventions/context.ts';
import {
  booleanOf,
  countOf,
  integerOf,
  jsonOf,
  numberOf,
  stringListOf,
  stringOf,
} from '../../../src/conventions/values/attributes.ts';
import { fieldsBelow, groupByIndex } from '../../../src/conventions/values/indexed-groups.ts';
import { toPlainJson } from '../../../src/conventions/values/json/plain-json.ts';
import { salvageJson } from '../../../src/conventions/values/salvage-json.ts';
import { toProvider } from '../../../src/datapoint/provider.ts';
import { makeSpan } from '../span.ts';

describe('values', () => {
  it('are read from their own type and from text', () => {
    expect(numberOf('42')).toBe(42);
    expect(numberOf('0.5')).toBe(0.5);
    expect([numberOf(Number.NaN), numberOf(''), numberOf(' '), numberOf('4x'), numberOf(null), numberOf(10n)]).toEqual(
      Array(6).fill(undefined),
    );
    expect([integerOf(1.5), integerOf('7'), countOf(-1), countOf(0)]).toEqual([undefined, 7, undefined, 0]);
    // The server takes 32 bits.
    expect([countOf(2_147_483_647), countOf(2_147_483_648)]).toEqual([2_147_483_647, undefined]);
    expect([booleanOf('True'), booleanOf(false), booleanOf('yes')]).toEqual([true, false, undefined]);
    expect([stringOf(''), stringOf('a\ud800'), stringOf(3)]).toEqual([undefined, 'a\ufffd', undefined]);
    expect(stringListOf('["a","b"]')).toEqual(['a', 'b']);
    expect(stringListOf('END')).toEqual(['END']);
    expect(stringListOf([1, 'a', null])).toEqual(['a']);
  });

  it('are read from JSON, or are undefined', () => {
    expect(jsonOf('{"a":1}')).toEqual({ a: 1 });
    expect(jsonOf('hello')).toBeUndefined();
    expect(jsonOf({ a: 1 })).toEqual({ a: 1 });
    const cut: string[] = [];
    const jsonOfCut = (text: string) => jsonOf(text, () => cut.push(text));
    expect(jsonOfCut('[{"role":"user","content":"hel')).toEqual([{ role: 'user', content: 'hel' }]);
    expect(cut).toEqual(['[{"role":"user","content":"hel']);
    expect(jsonOfCut('[Note] do this')).toBeUndefined();
    expect(cut).toHaveLength(1);
  });

  it('become plain JSON, whatever they were', () => {
    const value: Record<string, unknown> = { big: 10n, date: new Date(0), nan: Number.NaN, list: [undefined, () => 1] };
    value['self'] = value;
    Object.defineProperty(value, '__proto__', { value: { polluted: true }, enumerable: true });
    expect(toPlainJson(value)).toEqual({
      big: '10',
      date: '1970-01-01T00:00:00.000Z',
      nan: null,
      list: [null, null],
      self: '[circular]',
    });
    expect(JSON.stringify(toPlainJson(JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`)))).toContain('[too deep]');
    expect(toPlainJson('A'.repeat(100_000))).toMatch(/^\[data, 75000 bytes, sha256:[0-9a-f]{64}\]$/);
  });
});

describe('JSON that was cut', () => {
  it.each([
    ['[{"a":1},{"b":2', [{ a: 1 }]],
    ['{"a":"text \\u00', { a: 'text ' }],
    ['{"a":"x\\\\', { a: 'x\\' }],
    ['{"a":1,"b', { a: 1 }],
    ['{"a":{"b":[1,2', { a: { b: [1] } }],
    ['[{"', undefined],
    ['[Note] text', undefined],
    ['{"a":1} and more', undefined],
  ])('%s', (text, saved) => {
    expect(salvageJson(text)).toEqual(saved);
  });

  it('never throws, and adds no value that was not there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ role: fc.string(), n: fc.integer() }), { minLength: 1 }),
        fc.nat(),
        (value, cut) => {
          const text = JSON.stringify(value);
          const saved = salvageJson(text.slice(0, cut % text.length)) as typeof value | undefined;
          for (const [index, item] of (saved ?? []).entries()) {
            if (item.n !== undefined) expect(item).toEqual(value[index]);
            else expect(value[index]!.role.startsWith((item.role ?? '').replace(/\ufffd/g, ''))).toBe(true);
          }
        },
      ),
    );
  });
});

describe('keys', () => {
  it('are grouped by index as numbers, with gaps, in any order', () => {
    const attributes = {
      'p.10.role': 'c',
      'p.2.role': 'b',
      'p.0.role': 'a',
      'p.x.role': 'no',
      'p.2.__proto__': { polluted: 1 },
      'q.0': 'v',
    };
    const [p, q] = groupByIndex(attributes, ['p.', 'q.']);
    expect(p!.map(({ index, fields }) => [index, fields['role']])).toEqual([
      [0, 'a'],
      [2, 'b'],
      [10, 'c'],
    ]);
    expect(Object.keys(p![1]!.fields)).toEqual(['role']);
    expect(Object.getPrototypeOf(p![1]!.fields)).toBe(Object.prototype);
    expect(q![0]!.fields['']).toBe('v');
    expect(fieldsBelow({ 'm.a': 1, 'm.__proto__': 2, n: 3 }, 'm.')).toEqual({ a: 1 });
  });
});

describe('names', () => {
  it.each([
    ['OpenAI', 'openai'],
    ['openai.responses', 'openai'],
    ['azure-openai.chat', 'openai_azure'],
    ['azure.ai.openai', 'openai_azure'],
    ['az.ai.inference', undefined],
    ['amazon-bedrock', 'bedrock'],
    ['aws.bedrock', 'bedrock'],
    ['google.vertex.chat', 'google'],
    ['gcp.gemini', 'google'],
    ['anthropic.messages', 'anthropic'],
    ['someone/azure_openai/azure_openai', 'openai_azure'],
    ['someone/bedrock/aws_bedrock', 'bedrock'],
    ['mistral_ai', undefined],
    ['', undefined],
  ])('provider %s is %s', (raw, provider) => {
    expect(toProvider(raw)).toBe(provider);
  });

  it('a framework is not a provider, so the model decides', () => {
    expect(toProvider('strands-agents', 'gpt-4o')).toBe('openai');
    expect(toProvider('langchain', 'claude-sonnet-4-5')).toBe('anthropic');
    expect(toProvider('langchain')).toBeUndefined();
    expect(toProvider('openai', 'gpt-4o', 'x.openai.azure.com')).toBe('openai_azure');
  });

  it.each([
    [['tool_use', 'stop'], 'tool_calls'],
    ['["stop"]', 'stop'],
    ['stop, length', 'stop'],
    ['endTurn', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['content-filter', 'content_filter'],
    ['error', 'error'],
    ['', undefined],
    [[], undefined],
    [7, undefined],
  ])('finish reason %j is %s', (value, reason) => {
    expect(toFinishReason(value)).toBe(reason);
  });

  it('tools are read in every form', () => {
    const schema = { type: 'object' };
    expect(
      toModelTools([
        { type: 'function', function: { name: 'a', description: 'd', parameters: schema, strict: true } },
        JSON.stringify({ name: 'b', inputSchema: schema }),
        { name: 'c', input_schema: schema },
        { toolSpec: { name: 'd', inputSchema: { json: schema } } },
        { functionDeclarations: [{ name: 'e', parameters: schema }] },
        'f',
        { type: 'web_search' },
        null,
      ]),
    ).toEqual([
      { name: 'a', description: 'd', parameters: schema, strict: true },
      ...['b', 'c', 'd', 'e'].map((name) => ({ name, parameters: schema })),
      { name: 'f' },
      { name: 'web_search' },
    ]);
  });
});

describe('context', () => {
  it('takes the session by precedence', () => {
    const attributes = {
      metadata: '{"session_id":"m"}',
      'traceloop.association.properties.session_id': 't',
      'session.id': 's',
    };
    expect(readSession(makeSpan(attributes))).toBe('s');
    expect(readSession(makeSpan({ ...attributes, 'gen_ai.conversation.id': 7 }))).toBe('7');
    expect(readSession(makeSpan({ metadata: '{"session_id":"m"}' }))).toBe('m');
    expect(readSession(makeSpan({ 'mlflow.trace.session': '"quoted"' }))).toBe('quoted');
    expect(readSession(makeSpan({ 'session.id': '', 'langsmith.trace.session_name': 'project' }))).toBeUndefined();
  });

  it('takes user and tags', () => {
    expect(readUser(makeSpan({ 'ai.telemetry.metadata.userId': 'u' }))).toBe('u');
    expect(readTags(makeSpan({ 'tag.tags': '["a","b"]' }))).toEqual(['a', 'b']);
    expect(readTags(makeSpan({ 'langsmith.span.tags': 'a, b' }))).toEqual(['a', 'b']);
  });

  it('says how many tags are left out of very many, or long ones', () => {
    const tags = Array.from({ length: 1_200 }, (_, at) => `tag ${at}`);
    const leftOut = (count: string) => `… [${count} left out by humanloop-otel]`;
    expect(readTags(makeSpan({ 'tag.tags': tags.slice(0, 1_000) }))).toEqual(tags.slice(0, 1_000));
    const bounded = [...tags.slice(0, 1_000), leftOut('200 tags')];
    for (const given of [tags, JSON.stringify(tags), tags.join(', ')])
      expect(readTags(makeSpan({ 'tag.tags': given }))).toEqual(bounded);
    const long = ['a'.repeat(20_001), 'b'.repeat(19_999), 'c', 'd'];
    expect(readTags(makeSpan({ 'tag.tags': long }))).toEqual([long[1], 'c', leftOut('2 tags')]);
    expect(readTags(makeSpan({ 'tag.tags': long.slice(0, 2) }))).toEqual([long[1], leftOut('1 tag')]);
  });
});

describe('errors', () => {
  const exception = { name: 'exception', attributes: { 'exception.type': 'E', 'exception.message': 'm' } };

  it('are read from status, exception and HTTP status', () => {
    expect(
      readError({ ...makeSpan({ 'http.response.status_code': 429 }), status: { code: 2 }, events: [exception] }),
    ).toEqual({
      message: 'm',
      type: 'E',
      httpStatus: 429,
    });
    expect(readError(makeSpan({ 'error.type': 'rate_limit_error' }))).toEqual({ type: 'rate_limit_error' });
    expect(readError(makeSpan({}), { finishReason: 'error' })).toEqual({ type: 'finish reason error' });
  });

  it('are absent if a retry succeeded', () => {
    expect(readError({ ...makeSpan({}), events: [exception] })).toBeUndefined();
    expect(readError({ ...makeSpan({}), status: { code: 1 }, events: [exception] })).toBeUndefined();
  });

  it('have no stack', () => {
    const failed = { ...makeSpan({}), status: { code: 2, message: 'boom\n\nError: boom\n    at f (/app/x.js:1:2)' } };
    expect(readError(failed)?.message).toBe('boom');
  });
});
