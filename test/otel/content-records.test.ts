import { expect, test } from 'vitest';
import { withSpreadRecords } from '../../src/otel/content-records.ts';
import { makeSpan } from '../conventions/span.ts';

const body = {
  input: { messages: [{ role: 'user', content: 'Hi' }] },
  output: { messages: [{ role: 'assistant', content: { message: 'Hello', finish_reason: 'end_turn' } }] },
};
const unknown = () => undefined;
const record = (name: string) => ({ name, attributes: { body }, time: [1, 0] as const });

test('a record with the name of the scope is events of the conventions, in the order of the messages', () => {
  const span = makeSpan({}, { scope: 'strands', events: [record('strands')] as never });
  expect(withSpreadRecords(span, unknown).events).toEqual([
    { name: 'gen_ai.user.message', attributes: { role: 'user', content: 'Hi' }, time: [1, 0] },
    { name: 'gen_ai.choice', attributes: { message: 'Hello', finish_reason: 'end_turn' }, time: [1, 0] },
  ]);
});

test.each(['app.conversation', 'gen_ai.evaluation.result'])('%s is left as it is', (name) => {
  const span = makeSpan({}, { scope: 'strands', events: [record(name)] as never });
  expect(withSpreadRecords(span, unknown)).toBe(span);
});

test('so are messages that are no objects, and a body without lists', () => {
  const events = [{ name: 's', attributes: { body: { input: { messages: 'x' }, output: null } } }];
  const span = makeSpan({}, { scope: 's', events: events as never });
  expect(withSpreadRecords(span, unknown)).toBe(span);
  const odd = [{ name: 's', attributes: { body: { input: { messages: ['x', null, 7] } } } }];
  expect(withSpreadRecords(makeSpan({}, { scope: 's', events: odd as never }), unknown).events).toEqual([]);
});
