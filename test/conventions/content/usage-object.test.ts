/** What a call has used, however the object that says it was written, in every place that takes one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printedCountsIn } from '../../../src/conventions/values/printed/printed-counts.ts';
import { usageObjectOf } from '../../../src/conventions/values/usage-object.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';
import { read } from '../span.ts';

type Counts = Record<string, number>;
type Write = (counts: Counts) => unknown;

function listed(counts: Counts, join: (name: string, count: number) => string, separator = ', '): string {
  return Object.entries(counts)
    .map(([name, count]) => join(name, count))
    .join(separator);
}

const inCamelCase = (name: string) => name.replace(/_([a-z])/g, (_joint, letter: string) => letter.toUpperCase());
const inPascalCase = (name: string) => inCamelCase(name).replace(/^./, (letter) => letter.toUpperCase());

const FORMS: readonly (readonly [string, Write])[] = [
  ['structured', (counts) => counts],
  ['JSON', JSON.stringify],
  ['JSON that was encoded twice', (counts) => JSON.stringify(JSON.stringify(counts))],
  ['a map as Java prints it', (counts) => `{${listed(counts, (name, count) => `${name}=${count}`)}}`],
  ['the same as JSON', (counts) => JSON.stringify(`{${listed(counts, (name, count) => `${name}=${count}`)}}`)],
  ['a class of Java', (counts) => `Usage{${listed(counts, (name, count) => `${inCamelCase(name)}=${count}`)}, tier=x}`],
  ['a record of Java', (counts) => `Usage[${listed(counts, (name, count) => `${inCamelCase(name)}=${count}`)}]`],
  ['a class of LangChain4j', (counts) => `Usage { ${listed(counts, (name, count) => `${name} = ${count}`)} }`],
  ["AWS's SDK for Java", (counts) => `Usage(${listed(counts, (name, count) => `${inPascalCase(name)}=${count}`)})`],
  ['optional values', (counts) => `Usage[${listed(counts, (name, count) => `${name}=Optional[${count}]`)}]`],
  [
    'an object of Python',
    (counts) => `Usage(${listed(counts, (name, count) => `${name}=${count}`)}, tier='x', a=None)`,
  ],
  ['Pydantic', (counts) => listed(counts, (name, count) => `${name}=${count}`, ' ')],
  ['a dict of Python', (counts) => `{${listed(counts, (name, count) => `'${name}': ${count}`)}}`],
  ["Go's map", (counts) => `map[${listed(counts, (name, count) => `${name}:${count}`, ' ')}]`],
  ["Go's struct", (counts) => `&{${listed(counts, (name, count) => `${inPascalCase(name)}:${count}`, ' ')} Of:0xc1}`],
  ["Ruby's hash", (counts) => `{${listed(counts, (name, count) => `"${name}"=>${count}`)}}`],
  ["Ruby's symbols", (counts) => `{${listed(counts, (name, count) => `:${name}=>${count}`)}}`],
  ['a struct of Rust', (counts) => `Usage { ${listed(counts, (name, count) => `${name}: Some(${count})`)} }`],
  ['a record of .NET', (counts) => `Usage { ${listed(counts, (name, count) => `${inPascalCase(name)} = ${count}`)} }`],
  ["PHP's array", (counts) => `Array\n(\n${listed(counts, (name, count) => `    [${name}] => ${count}\n`, '')})\n`],
  ["Scala's map", (counts) => `Map(${listed(counts, (name, count) => `${name} -> ${count}`)})`],
  ["Clojure's map", (counts) => `{${listed(counts, (name, count) => `:${name} ${count}`)}}`],
  [
    "Clojure's keywords",
    (counts) => `#:usage{${listed(counts, (name, count) => `:${name.replaceAll('_', '-')} ${count}`)}}`,
  ],
  ["Elixir's struct", (counts) => `%Usage{${listed(counts, (name, count) => `${name}: ${count}`)}}`],
  ["Erlang's map", (counts) => `#{${listed(counts, (name, count) => `<<"${name}">> => ${count}`, ',')}}`],
  ["Swift's dictionary", (counts) => `[${listed(counts, (name, count) => `"${name}": ${count}`)}]`],
  ["Python's OrderedDict", (counts) => `OrderedDict([${listed(counts, (name, count) => `('${name}', ${count})`)}])`],
  [
    "Python's defaultdict",
    (counts) => `defaultdict(<class 'int'>, {${listed(counts, (name, count) => `'${name}': ${count}`)}})`,
  ],
  ["Python's Counter", (counts) => `Counter({${listed(counts, (name, count) => `'${name}': ${count}`)}})`],
  ['tuples of Python', (counts) => `(${listed(counts, (name, count) => `('${name}', ${count})`)})`],
  ['a list of tuples', (counts) => `[${listed(counts, (name, count) => `('${name}', ${count})`)}]`],
  ['pairs', (counts) => Object.entries(counts)],
  ['names with values', (counts) => Object.entries(counts).map(([name, value]) => ({ name, value }))],
  ['a list of one', (counts) => JSON.stringify([counts])],
  ['an envelope', (counts) => JSON.stringify({ usage: counts })],
  [
    'JSON of .NET',
    (counts) =>
      JSON.stringify(Object.fromEntries(Object.entries(counts).map(([name, count]) => [inPascalCase(name), count]))),
  ],
];

const COUNTS = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const ANSWER = { id: 'r', model: 'm', choices: [{ message: { role: 'assistant', content: 'Hi' } }] };
const LLM = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' };

const PLACES: readonly (readonly [string, Record<string, unknown>, string, ((usage: unknown) => unknown)?])[] = [
  ["Langfuse's details", { 'langfuse.observation.type': 'generation' }, 'langfuse.observation.usage_details'],
  ['MLflow', { 'mlflow.spanType': '"CHAT_MODEL"' }, 'mlflow.chat.tokenUsage'],
  ['the GenAI conventions', { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' }, 'gen_ai.usage'],
  ['the same at its details', { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' }, 'gen_ai.usage.details'],
  ["OpenLLMetry's name for it", { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' }, 'llm.usage'],
  [
    "Spring AI's answer",
    LLM,
    'output.value',
    (usage) => {
      const results = [{ output: { messageType: 'ASSISTANT', text: 'Hi' } }];
      const body = JSON.stringify({ results, metadata: { id: 'r', usage } });
      return body.replace(/(?:prompt|completion|total)[_-]tokens/g, (name) => inCamelCase(name.replace('-', '_')));
    },
  ],
  [
    'Langtrace',
    { 'langtrace.service.name': 'OpenAI', 'langtrace.service.type': 'llm', 'llm.model': 'm' },
    'llm.token.counts',
  ],
  ['LangSmith', { 'langsmith.span.kind': 'llm' }, 'langsmith.usage_metadata'],
  ['Braintrust', { 'braintrust.span_attributes': '{"type":"llm"}' }, 'braintrust.metrics'],
  [
    'Logfire',
    { request_data: '{"model":"m","messages":[]}', 'logfire.msg': 'x' },
    'response_data',
    (usage) => JSON.stringify({ message: { content: 'Hi' }, usage }),
  ],
  ['the body of an answer', LLM, 'output.value', (usage) => JSON.stringify({ ...ANSWER, usage })],
  [
    "Genkit's answer",
    { 'genkit:metadata:subtype': 'model', 'genkit:name': 'a/m' },
    'genkit:output',
    (usage) => JSON.stringify({ message: { role: 'model', content: [{ text: 'Hi' }] }, usage }),
  ],
];

describe.each(PLACES.map((place) => ({ place })))('in $place.0', ({ place }) => {
  const [, attributes, key, around = (usage: unknown) => usage] = place;
  it.each(FORMS)('reads %s', (_form, write) => {
    const scope = key === 'response_data' ? { scope: 'logfire.openai' } : {};
    const reading = read({ ...attributes, [key]: around(write(COUNTS)) }, scope);
    expect(reading).toMatchObject({ promptTokens: 5, outputTokens: 3, metadata: { total_tokens: 8 } });
    expect(reading.metadata).not.toHaveProperty('truncated');
  });
});

it.each(FORMS)("reads Langfuse's own names and its costs in %s", (_form, write) => {
  const reading = read({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.usage_details': write({ input: 5, output: 3 }),
    'langfuse.observation.cost_details': write({ input: 0.5, output: 0.25, total: 0.75 }),
  });
  expect(reading).toMatchObject({ promptTokens: 5, outputTokens: 3, promptCost: 0.5, outputCost: 0.25 });
  expect(reading.metadata).toMatchObject({ total_cost: 0.75 });
});

it.each(FORMS)("reads MLflow's costs in %s", (_form, write) => {
  const costs = write({ input_cost: 0.5, output_cost: 0.25 });
  expect(read({ 'mlflow.spanType': '"LLM"', 'mlflow.llm.cost': costs })).toMatchObject({
    promptCost: 0.5,
    outputCost: 0.25,
  });
});

it.each([
  'CompletionUsage{completionTokens=3, promptTokens=5, totalTokens=8, promptTokensDetails=PromptTokensDetails{cachedTokens=4}}',
  'CompletionUsage[completionTokens=3, promptTokensDetails=Optional[PromptTokensDetails[cachedTokens=4]], promptTokens=5]',
  'CompletionUsage(completion_tokens=3, prompt_tokens=5, prompt_tokens_details=PromptTokensDetails(cached_tokens=4))',
  'Usage { prompt_tokens: 5, completion_tokens: 3, prompt_tokens_details: Some(Details { cached_tokens: Some(4) }) }',
  '{:prompt_tokens=>5, :completion_tokens=>3, :prompt_tokens_details=>{:cached_tokens=>4}}',
  '{:prompt-tokens 5, :completion-tokens 3, :prompt-tokens-details {:cached-tokens 4}}',
  "OrderedDict([('prompt_tokens', 5), ('completion_tokens', 3), ('prompt_tokens_details', OrderedDict([('cached_tokens', 4)]))])",
  'prompt_token_count: 5\ncandidates_token_count: 3\ncached_content_token_count: 4\n',
  'GenerateContentResponseUsageMetadata(\n  cached_content_token_count=4,\n  candidates_token_count=3,\n  ' +
    "prompt_token_count=5,\n  prompt_tokens_details=[\n    ModalityTokenCount(\n      modality=<MediaModality.TEXT: 'TEXT'>,\n" +
    '      token_count=5\n    ),\n  ]\n)',
])('reads the details in %s', (usage) => {
  const reading = read({ ...LLM, 'output.value': JSON.stringify({ ...ANSWER, usage }) });
  expect(reading).toMatchObject({ promptTokens: 5, outputTokens: 3, metadata: { cache_read_tokens: 4 } });
});

it.each(['none', 'unknown', '{5 3 8}', '[5, 3, 8]', 'n/a', '', '5', 'model=gpt-4-5 at 3'])(
  'says nothing after %j',
  (usage) => {
    const reading = read({ 'langfuse.observation.type': 'generation', 'langfuse.observation.usage_details': usage });
    expect(reading.promptTokens ?? reading.outputTokens ?? reading.metadata?.['total_tokens']).toBeUndefined();
  },
);

it('inherits nothing from a field with the name of the prototype', () => {
  const usage = usageObjectOf('{"__proto__":{"promptTokens":5},"CompletionTokens":3}');
  expect(usage?.['promptTokens']).toBeUndefined();
  expect(usage?.['completionTokens']).toBe(3);
});

it('returns nothing but numbers with names, for any text', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '=',
    ':',
    '=>',
    ', ',
    'a',
    '__proto__',
    '5',
    '-1.5e3',
    '"',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
      const counts = printedCountsIn(parts.join(''));
      const values = [counts ?? {}];
      for (const fields of values)
        for (const value of Object.values(fields)) {
          expect(['number', 'object']).toContain(typeof value);
          if (typeof value === 'object') values.push(value as Counts);
        }
      expect(({} as Counts)['a']).toBeUndefined();
    }),
  );
});

it.each(['{', 'a=', 'a=1 ', '"', '1', 'a', '=', '5.', 'Optional[', ':a', ':a/', "('a', ", '["'])(
  'takes a time in proportion to %j',
  async (piece) => {
    const textOf = (size: number) => piece.repeat(size / piece.length);
    const ratio = await ratioOf(
      () => usageObjectOf(textOf(25_000)),
      () => usageObjectOf(textOf(100_000)),
    );
    expect(ratio).toBeLessThan(MOST_RATIO);
  },
);
