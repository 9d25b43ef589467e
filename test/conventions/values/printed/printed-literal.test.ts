/** Lists and objects as languages print them, wherever JSON is read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePrinted } from '../../../../src/conventions/values/printed/printed-literal.ts';
import type { Attributes } from '../../../../src/otel/span-slice.ts';
import { MOST_RATIO, ratioOf } from '../../../support/effort.ts';
import { read } from '../../span.ts';

const MESSAGES: readonly (readonly [string, string])[] = [
  ['Clojure', '[{:role "user", :content "Hi"} {:role "assistant", :content "Yes"}]'],
  ['keywords of Clojure', '({:message/role :user, :content "Hi"} {:role :assistant, :content "Yes"})'],
  ['symbols of Ruby', '[{:role=>:user, :content=>"Hi"}, {:role=>:assistant, :content=>"Yes"}]'],
  ['texts of Ruby', '[{"role"=>"user", "content"=>"Hi"}, {"role"=>"assistant", "content"=>"Yes"}]'],
  ['Ruby 3.4', '[{role: "user", content: "Hi"}, {role: "assistant", content: "Yes"}]'],
  ['Elixir', '[%{role: :user, content: "Hi"}, %{role: :assistant, content: "Yes"}]'],
  ['texts of Elixir', '[%{"content" => "Hi", "role" => "user"}, %{"content" => "Yes", "role" => "assistant"}]'],
  [
    'structs of Elixir',
    '[%Chat.Message{role: :user, content: "Hi", name: nil}, %Chat.Message{role: :assistant, content: "Yes"}]',
  ],
  ['Node', "[\n  { role: 'user', content: 'Hi', 'x-id': undefined },\n  { role: 'assistant', content: 'Yes' }\n]"],
  ['classes of Node', "[ Message { role: 'user', content: \"Hi\" }, Message { role: 'assistant', content: `Yes` } ]"],
  ['Swift', '[["role": "user", "content": "Hi"], ["role": "assistant", "content": "Yes"]]'],
  ['Rust', '[Message { role: User, content: "Hi", name: None }, Message { role: Assistant, content: Some("Yes") }]'],
  ['Go', '[]chat.Message{chat.Message{Role:"user", Content:"Hi"}, chat.Message{Role:"assistant", Content:"Yes"}}'],
  [
    "Python's ordered dicts",
    "[OrderedDict([('role', 'user'), ('content', 'Hi')]), {'role': 'assistant', 'content': 'Yes'}]",
  ],
  [
    'a deque of Python',
    "deque([{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Yes'}], maxlen=9)",
  ],
  ['a tuple of Python', "({'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Yes'})"],
  ['pairs of Python', "[('human', 'Hi'), ('ai', 'Yes')]"],
  ['pairs of LangChain', '[["user","Hi"],["assistant","Yes"]]'],
];

const CALLS: Readonly<Record<string, (messages: string) => Attributes>> = {
  'gen-ai': (messages) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    'gen_ai.input.messages': messages,
  }),
  'gen-ai 1.27': (messages) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    'gen_ai.prompt': messages,
  }),
  openinference: (messages) => ({ 'openinference.span.kind': 'LLM', 'input.value': messages }),
  langfuse: (messages) => ({ 'langfuse.observation.type': 'generation', 'langfuse.observation.input': messages }),
  mlflow: (messages) => ({ 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.spanInputs': messages }),
  laminar: (messages) => ({ 'lmnr.span.type': 'LLM', 'lmnr.span.input': messages }),
  openllmetry: (messages) => ({ 'llm.request.type': 'chat', 'traceloop.entity.input': messages }),
};

describe.each(Object.entries(CALLS))('messages of %s', (_vocabulary, attributesOf) => {
  it.each(MESSAGES)('are read as %s prints them', (_language, messages) => {
    const reading = read(attributesOf(messages));
    expect(reading.messages).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Yes' },
    ]);
    expect(reading.metadata).not.toHaveProperty('truncated');
  });
});

const ARGUMENTS: readonly (readonly [string, string])[] = [
  ['Clojure', '{:city "Paris", :days 2}'],
  ['Ruby', '{:city=>"Paris", :days=>2}'],
  ['Ruby 3.4', '{city: "Paris", days: 2}'],
  ['Elixir', '%{"city" => "Paris", "days" => 2}'],
  ['Node', "{ city: 'Paris', days: 2 }"],
  ["Node's map", "Map(2) { 'city' => 'Paris', 'days' => 2 }"],
  ['Go', 'map[string]interface {}{"city":"Paris", "days":2}'],
  ["Python's OrderedDict", "OrderedDict([('city', 'Paris'), ('days', 2)])"],
  ["Python's defaultdict", "defaultdict(<class 'str'>, {'city': 'Paris', 'days': 2})"],
  ["Python's mappingproxy", "mappingproxy({'city': 'Paris', 'days': 2})"],
  ["Python's namedtuple", "Args(city='Paris', days=2)"],
];

const TOOLS: Readonly<Record<string, (given: string) => Attributes>> = {
  'gen-ai': (given) => ({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.arguments': given }),
  openinference: (given) => ({ 'openinference.span.kind': 'TOOL', 'tool.name': 't', 'input.value': given }),
  langfuse: (given) => ({ 'langfuse.observation.type': 'tool', 'langfuse.observation.input': given }),
  openllmetry: (given) => ({ 'traceloop.span.kind': 'tool', 'traceloop.entity.input': given }),
  mlflow: (given) => ({ 'mlflow.spanType': '"TOOL"', 'mlflow.spanInputs': given }),
};

describe.each(ARGUMENTS)('arguments as %s prints them', (_language, given) => {
  it.each(Object.entries(TOOLS))('are those of a tool of %s', (_vocabulary, attributesOf) => {
    expect(read(attributesOf(given)).inputs).toEqual({ city: 'Paris', days: 2 });
  });

  it('are JSON in a call', () => {
    const parts = [{ type: 'tool_call', id: '1', name: 't', arguments: given }];
    const reading = read({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'm',
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]),
    });
    expect(reading.outputMessage?.tool_calls?.[0]?.function.arguments).toBe('{"city":"Paris","days":2}');
  });
});

it.each([
  [
    '{:a "say \\"x\\"\\n", :b nil, :c [1 2.5 -3], :d {}, :e-f true}',
    { a: 'say "x"\n', b: null, c: [1, 2.5, -3], d: {}, e_f: true },
  ],
  ['#:user{:name "A"}', { name: 'A' }],
  [
    "{ a: 'it\\'s' +\n    ' so', b: [Object], c: [ 1, ... 2 more items ], d: undefined }",
    { a: "it's so", b: '[Object]', c: [1], d: null },
  ],
  ['%{a: #PID<0.1.0>, b: #{1 => 2}, at: "\\u00e9"}', { a: '#PID<0.1.0>', b: { 1: 2 }, at: 'é' }],
  ['{:id=>9007199254740993, :"a b"=>1}', { id: 9007199254740993n, 'a b': 1 }],
])('reads %s', (text, value) => {
  expect(parsePrinted(text)).toEqual(value);
});

it.each([
  '{"a": 1}',
  // Java's Jackson.
  '{ "a" : 1, "b" : "x" }',
  '{ "a" :true }',
  '[1, 2]',
  '[see above]',
  '{a}',
  '(see below)',
  'Note: "x"',
  '{a: 1} and {b: 2}',
  '{a: 1',
  '[Note: this is long]',
  '{{name: x}',
  '{a: "x", a: "y"}',
  '',
])('does not read %j', (text) => {
  expect(parsePrinted(text)).toBeUndefined();
});

it('keeps words of an answer that look so', () => {
  const answer = "{ city: 'Paris' }";
  for (const attributes of [
    { 'openinference.span.kind': 'LLM', 'output.value': answer },
    { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm', 'gen_ai.completion': answer },
    { 'langfuse.observation.type': 'generation', 'langfuse.observation.output': answer },
  ]) {
    expect(read(attributes).output).toBe(answer);
  }
});

it('sets no prototype', () => {
  const value = parsePrinted('{:__proto__=>{:a=>1}, :b=>2}') as Record<string, unknown>;
  expect(value['a']).toBeUndefined();
  expect(value['b']).toBe(2);
});

it('reads what it wrote as Ruby, Elixir and Clojure do', () => {
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('tree'), { maxLength: 4 }),
    object: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie('tree'), { minKeys: 1, maxKeys: 4 }),
  }));
  const write = (value: unknown, key: (name: string) => string): string => {
    if (value === null) return 'nil';
    if (Array.isArray(value)) return `[${value.map((item) => write(item, key)).join(', ')}]`;
    if (typeof value !== 'object') return JSON.stringify(value);
    const entries = Object.entries(value).map(([name, item]) => key(name) + write(item, key));
    return `{${entries.join(', ')}}`;
  };
  fc.assert(
    fc.property(tree, (value) => {
      for (const key of [
        (name: string) => `:${name}=>`,
        (name: string) => `${name}: `,
        (name: string) => `:${name} `,
      ]) {
        expect(parsePrinted(write({ a: value }, key))).toEqual({ a: value });
      }
    }),
  );
});

it.each(['\\"', '\\', ':a', 'a', 'a:', ' ', '{:a ', '[', "'a' + ", '"a"=>', ':a/', '#a ', 'A(', '1', 'map[a]', '%a.'])(
  'takes a time in proportion to a text of %j',
  async (piece) => {
    const textOf = (size: number) => `{:a=>"b", ${piece.repeat(size / piece.length)}`;
    const ratio = await ratioOf(
      () => parsePrinted(textOf(25_000)),
      () => parsePrinted(textOf(100_000)),
    );
    expect(ratio).toBeLessThan(MOST_RATIO);
  },
);

it('reads long texts', () => {
  const said = 'a \\"b\\" '.repeat(50_000);
  expect(parsePrinted(`{:a=>"${said}"}`)).toEqual({ a: said.replaceAll('\\', '') });
});
