import fc from 'fast-check';
import { expect, test } from 'vitest';
import { excerpt, inputPreview, outputPreview, searchableText } from '../../../src/server/store/rows/log-text.ts';
import { searchTerms } from '../../../src/server/store/search-query.ts';
import { toMatchTerms } from '../../../src/server/store/sqlite/viewer/viewer-search.ts';
import { markWords, toWords } from '../../../src/viewer/list/mark-words.ts';

const nothing = { inputs: null, messages: null, output: null, outputMessage: null, error: null, label: '' };

test('the words of inputs, messages, output and error are searched; roles, types and images are not', () => {
  const text = searchableText({
    ...nothing,
    label: 'planner gpt-4o',
    inputs: { city: 'Bergen', deep: [{ n: 42 }] },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hello' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
    ],
    output: 'done',
    error: 'Boom',
  });
  expect(text.split('\n').sort()).toEqual(['42', 'Bergen', 'Boom', 'done', 'hello', 'planner gpt-4o']);
});

test('the message of the answer is searched where the output says nothing, as it is shown there', () => {
  const outputMessage = { role: 'assistant', content: 'late' };
  for (const output of [null, '']) {
    expect(outputPreview({ output, outputMessage })).toBe('late');
    expect(searchableText({ ...nothing, output, outputMessage }).split('\n')).toContain('late');
  }
  expect(searchableText({ ...nothing, output: 'done', outputMessage })).not.toContain('late');
});

test('one log does not take the whole index', () => {
  expect(searchableText({ ...nothing, output: 'x'.repeat(5_000_000) }).length).toBeLessThan(210_000);
  let deep: unknown = 'bottom';
  for (let level = 0; level < 10_000; level += 1) deep = [deep];
  expect(searchableText({ ...nothing, inputs: deep })).toBe('');
});

test('texts without spaces are searched by character', () => {
  expect(searchableText({ ...nothing, output: '東京へ' })).toContain(' 東  京  へ ');
  expect(toMatchTerms('東京')[0]).toEqual(['text : " 東  京 "']);
});

test('nothing in a search has a meaning of its own', () => {
  const terms = ['a', 'OR', 'b*', 'x y', 'NEAR('].map((term) => `text : "${term}"`);
  expect(toMatchTerms('a OR b* "x y" NEAR( col:z ^')).toEqual([
    [...terms, 'text : "col:z"'],
    [...terms, 'text : "col:z" *'],
  ]);
  expect(toMatchTerms('"" * ^')).toEqual([]);
  expect(searchTerms('say "hello world" now')).toEqual(toWords('say "hello world" now'));
});

test('the line of a session is what was asked and what was answered', () => {
  expect(
    inputPreview({
      messages: [
        { role: 'user', content: 'first' },
        { role: 'user', content: [{ type: 'text', text: ' last \n one' }] },
        { role: 'assistant', content: 'x' },
      ],
      inputs: { a: 1 },
    }),
  ).toBe('last one');
  expect(inputPreview({ messages: null, inputs: { system: 's', prompt: 'p' } })).toBe('p');
  expect(inputPreview({ messages: null, inputs: { only: 'o' } })).toBe('o');
  expect(inputPreview({ messages: null, inputs: { a: 1, b: 2 } })).toBe('{"a":1,"b":2}');
  expect(inputPreview({ messages: null, inputs: {} })).toBeUndefined();
  expect(outputPreview({ output: null, outputMessage: { content: 'c' } })).toBe('c');
  expect(outputPreview({ output: 'x'.repeat(500), outputMessage: null })).toHaveLength(240);
});

test('an excerpt is around the word, and the word is marked', () => {
  const text = `${'before '.repeat(40)}needle after`;
  expect(excerpt(text, ['NEEDLE'])).toMatch(/^….*needle after$/);
  expect(markWords('a Needle, needles', ['needle'])).toEqual([
    { text: 'a ', isMatch: false },
    { text: 'Needle', isMatch: true },
    { text: ', needles', isMatch: false },
  ]);
  // The index has found the word, not the digits within a number.
  const numbers = `${'-0.5403024 '.repeat(60)}the webhook answered 403 twice`;
  expect(excerpt(numbers, ['webhook', '403'])).toContain('the webhook answered 403');
  expect(excerpt(`${'forderung '.repeat(60)} die Förde`, ['forde'])).toContain('die Förde');
  expect(markWords('(a.b)', ['a.b', '('])).toHaveLength(3);
});

test('a line has single spaces and is cut where it is long, whatever the text has', () => {
  const pieces = fc.constantFrom(
    ' ',
    '  ',
    '\n',
    '\t ',
    '\u00a0',
    '\u2003',
    'a',
    'word',
    'x'.repeat(70),
    '😀',
    '\ufeff',
  );
  const texts = fc.array(pieces, { maxLength: 400, size: 'max' }).map((all) => all.join(''));
  fc.assert(
    fc.property(texts, (text) => {
      const line = text.slice(0, 960).replaceAll(/\s+/g, ' ').trim();
      const cut = line.length > 240 ? `${line.slice(0, 239).toWellFormed()}…` : line;
      expect(outputPreview({ output: text, outputMessage: null }) ?? '').toBe(cut);
    }),
    { numRuns: 2_000 },
  );
});
