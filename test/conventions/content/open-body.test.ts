/** Texts that are the JSON of message blocks, and texts that only look like it. */
import { expect, test } from 'vitest';
import { openBody } from '../../../src/conventions/content/messages/open-body.ts';

const json = (value: unknown) => JSON.stringify(value);
const WORDS = { type: 'text', text: 'I look.' };
const CALL = { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } };
const RESULT = { type: 'tool_result', tool_use_id: 't1', content: 'x' };

test.each<[string, unknown, unknown]>([
  ['a call as a text', json([CALL]), [CALL]],
  ['a result as a text', json([RESULT]), [RESULT]],
  ['one block without a list', json(CALL), [CALL]],
  ['words beside a call', json([WORDS, CALL]), [WORDS, CALL]],
  ['a text in quotes', json(json([CALL])), [CALL]],
  ['a text that is indented', JSON.stringify([WORDS, CALL], null, 2), [WORDS, CALL]],
  ['a text of JSON texts', json([json(WORDS), json(CALL)]), [WORDS, CALL]],
  ['an item that is a text of a block', [json(WORDS)], [WORDS]],
  ['an item that is a text of several', [json([WORDS, CALL])], [WORDS, CALL]],
  ['a part whose text is a call', [{ type: 'text', text: json([CALL]) }], [CALL]],
  ['a part whose content is a call', [{ type: 'text', content: json([CALL]) }], [CALL]],
  ['a part without a type', [{ text: json([RESULT]) }], [RESULT]],
  [
    'what stands before and after',
    ['before', json(CALL), WORDS, json(WORDS), 'after'],
    ['before', CALL, WORDS, WORDS, 'after'],
  ],
])('opens %s', (_what, body, blocks) => {
  expect(openBody(body)).toEqual(blocks);
});

test.each<[string, unknown]>([
  ['words', 'I look.'],
  ['nothing', undefined],
  ['an object', { a: json([CALL]) }],
  ['a text of words only, as an answer may be', json([WORDS])],
  ['a text of JSON texts of words', json([json(WORDS)])],
  ['a text of JSON texts, one of them data', json([json(CALL), json({ type: 'invoice', id: 7 })])],
  ['a part whose text is JSON of words', [{ type: 'text', text: json([WORDS]) }]],
  ['a call that nobody can answer', json([{ ...CALL, id: undefined }])],
  ['a result of no call', json([{ type: 'tool_result', content: 'x' }])],
  ['thoughts about a call', [{ type: 'reasoning', text: json([CALL]) }]],
  ['data without a type', [json({ text: 'the type of a' })]],
  ['data of an unknown type', [json({ type: 'invoice', id: 7 })]],
  ['blocks beside data', json([CALL, { type: 'invoice', id: 7 }])],
  ['a list beside data', [json([WORDS, { text: 'x' }])]],
  ['a number', [json(1), 2, null]],
])('leaves %s', (_what, body) => {
  expect(openBody(body)).toBe(body);
});

test('what a model is given is no text of blocks', () => {
  for (const body of [json([WORDS]), [{ type: 'text', text: json([WORDS]) }]]) {
    expect(openBody(body, false, true)).toEqual([WORDS]);
  }
  // Data that a user wants to have read.
  const rows = [{ ...WORDS, lang: 'de' }];
  const form = [WORDS, { type: 'text', label: 'Name' }, { type: 'file', label: 'CV' }];
  for (const body of [json(rows), json(form), json([WORDS, { type: 'image', url: 'x' }])]) {
    expect(openBody(body, false, true)).toBe(body);
  }
  for (const body of [json(WORDS), json([WORDS, { a: 1 }]), '[ ] todo: {"type":"text"}']) {
    expect(openBody(body, false, true)).toBe(body);
  }
});

test('a list that is too long for a message keeps all its items', () => {
  const body = [json(CALL), ...Array.from({ length: 10_500 }, (_, index) => `${index}`)];
  const opened = openBody(body) as unknown[];
  expect(opened).toHaveLength(body.length);
  expect(opened[0]).toEqual(CALL);
  expect(opened.at(-1)).toBe('10499');
});

test.each([
  ['[{text=I look, first., type=text}]', [{ text: 'I look, first.', type: 'text' }]],
  ['[{input={a=1}, name=f, id=t1, type=tool_use}]', [{ input: { a: '1' }, name: 'f', id: 't1', type: 'tool_use' }]],
])('opens blocks that Java has printed: %s', (text, blocks) => {
  expect(openBody(text, true)).toEqual(blocks);
  expect(openBody(text)).toBe(text);
});

test.each([
  '[{a=1}]',
  '[{type=circle, text=x}]',
  '[{text=x, type=text}',
  '[{text=x, type=text}] and more',
  '[{text=Run it with depth=3, width=4 please., type=text}]',
  '[{text=Write, type=text, type=text}]',
  '[{tool_use_id=t1, type=tool_result, content=[{type=text, text=rows=3, cols=2}]}]',
])('leaves %s as it is', (text) => {
  expect(openBody(text, true)).toBe(text);
});
