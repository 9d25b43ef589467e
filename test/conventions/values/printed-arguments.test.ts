/** What tools were given and what calls have used, as Go, PHP and Perl print it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputsOf } from '../../../src/conventions/content/inputs.ts';
import { withOneBudget } from '../../../src/conventions/values/json/text-weight.ts';
import { usageObjectOf } from '../../../src/conventions/values/usage-object.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';
import { read } from '../span.ts';

type Value = string | null | readonly Value[] | { readonly [key: string]: Value };
type Write = (value: Value, indent?: string) => string;

const isMap = (value: Value): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && !Array.isArray(value);
const entriesOf = (value: { readonly [key: string]: Value }) => Object.entries(value);

const go =
  (open: string, close: string): Write =>
  (value) => {
    if (value === null) return '<nil>';
    if (typeof value === 'string') return value;
    if (!isMap(value)) return `[${value.map((item) => go(open, close)(item)).join(' ')}]`;
    return (
      open +
      entriesOf(value)
        .map(([key, item]) => `${key}:${go(open, close)(item)}`)
        .join(' ') +
      close
    );
  };
const printR: Write = (value, indent = '') => {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  const entries = isMap(value) ? entriesOf(value) : value.map((item, index) => [`${index}`, item] as const);
  const lines = entries.map(([key, item]) => `${indent}    [${key}] => ${printR(item, `${indent}        `)}\n`);
  return `Array\n${indent}(\n${lines.join('')}${indent})\n`;
};
const single = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
const varExport: Write = (value, indent = '') => {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return single(value);
  const entries = isMap(value)
    ? entriesOf(value).map(([key, item]) => [single(key), item] as const)
    : value.map((item, index) => [`${index}`, item] as const);
  const lines = entries.map(([key, item]) => {
    const inner = varExport(item, `${indent}  `);
    return `${indent}  ${key} => ${inner.startsWith('array') ? `\n${indent}  ` : ''}${inner},\n`;
  });
  return `array (\n${lines.join('')}${indent})`;
};
const perl: Write = (value) => {
  if (value === null) return 'undef';
  if (typeof value === 'string') return single(value);
  if (!isMap(value)) return `[\n  ${value.map((item) => perl(item)).join(',\n  ')}\n]`;
  return `{\n  ${entriesOf(value)
    .map(([key, item]) => `${single(key)} => ${perl(item)}`)
    .join(',\n  ')}\n}`;
};

const word = fc.constantFrom('Paris', 'New York', 'a-b', '3', 'x');
const quoted = fc.constantFrom('Paris', "it's", 'a => b', 'C:\\new', 'two\nlines', '[x] => y', '');
const values = (text: fc.Arbitrary<string>) =>
  fc.letrec<{ map: { [key: string]: Value }; value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }),
      tie('map'),
    ),
    map: fc.dictionary(fc.constantFrom('city', 'days', 'opts', 'unit_of'), tie('value'), { minKeys: 1, maxKeys: 4 }),
  })).map;

const LANGUAGES: Readonly<Record<string, readonly [Write, fc.Arbitrary<string>]>> = {
  "Go's map": [go('map[', ']'), word],
  "Go's struct": [go('{', '}'), word],
  "Go's pointer": [(value) => `&${go('{', '}')(value)}`, word],
  "PHP's print_r": [printR, word],
  "PHP's object": [(value) => printR(value).replace('Array', 'stdClass Object'), word],
  "PHP's var_export": [varExport, quoted],
  "PHP's var_export of an object": [(value) => `(object) ${varExport(value).replace('array (', 'array(')}`, quoted],
  "Perl's Dumper": [(value) => `$VAR1 = ${perl(value)};\n`, quoted],
  "Perl's object": [(value) => `$VAR1 = bless( ${perl(value)}, 'My::Class' );\n`, quoted],
};

const PIECES = ['map[a:', '{A: ', '    [a] => Array\n(\n', 'array (', '[', ' a:'];

describe.each(Object.entries(LANGUAGES))('%s', (_language, [write, text]) => {
  it('is read as arguments', () => {
    fc.assert(
      fc.property(values(text), (given) => {
        expect(inputsOf(write(given))).toEqual(given);
      }),
    );
  });

  it('is read as usage', () => {
    const usage = { prompt_tokens: '12', details: { cached_tokens: '3' }, completion_tokens: '5' };
    const printed = write(usage).replace(/'(\d+)'/g, '$1');
    expect(usageObjectOf(printed)).toMatchObject({
      prompt_tokens: 12,
      completion_tokens: 5,
      details: { cached_tokens: 3 },
    });
  });

  it('stays what the user said in a prompt', () => {
    const said = write({ city: 'Paris', days: ['a', 'b'] });
    const { messages } = read({ 'gen_ai.operation.name': 'chat', 'gen_ai.prompt': said });
    expect(messages).toEqual([{ role: 'user', content: said }]);
  });

  it('takes time in proportion to its length, also where it is cut or hostile', async () => {
    const start = write({ a: 'x' }).slice(0, 6);
    const pieces = [write({ city: 'Paris' }), write({ a: { b: ['a'] } }).slice(0, -2), ...PIECES];
    const readAll = (count: number) => () => {
      for (const piece of pieces)
        withOneBudget(() => {
          inputsOf(start + piece.repeat(count));
          usageObjectOf(piece.repeat(count));
        });
    };
    // Texts of all these sizes are weighed before they are read.
    expect(await ratioOf(readAll(50_000), readAll(200_000))).toBeLessThan(MOST_RATIO);
  });
});

it.each([
  [
    '{Role:user Name: Content:hi there Calls:[] Next:<nil>}',
    { Role: 'user', Name: '', Content: 'hi there', Calls: [], Next: null },
  ],
  ['map[url:https://x.y/z?a:b]', { url: 'https://x.y/z?a:b' }],
  ['{a: b}', { input: '{a: b}' }],
  ['map[a:1 a:2]', { input: 'map[a:1 a:2]' }],
  ['map[a:1', { input: 'map[a:1' }],
  ['{note:[open}', { input: '{note:[open}' }],
  ['Array\n(\n    [a] => 1\n', { input: 'Array\n(\n    [a] => 1\n' }],
  ['Array\n(\n    [a:protected] => one\ntwo\n)\n', { a: 'one\ntwo' }],
])('%j', (text, inputs) => {
  expect(inputsOf(text)).toEqual(inputs);
});

it("reads what PHP's var_dump prints as usage", () => {
  const dumped = 'array(2) {\n  ["prompt_tokens"]=>\n  int(12)\n  ["completion_tokens"]=>\n  int(5)\n}\n';
  expect(usageObjectOf(dumped)).toEqual({ prompt_tokens: 12, completion_tokens: 5 });
});
