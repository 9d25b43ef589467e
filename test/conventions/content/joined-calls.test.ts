/** Calls of a stream that an instrumentation has joined, and answers whose texts stand where only one provider has them. */
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { fromRareAnswer } from '../../../src/conventions/content/messages/rare-answers.ts';

const answer = (id: string | undefined, name: string, input: string) =>
  new MessageReader().readOutput({
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name, arguments: input } }],
  })[0]?.tool_calls;

const call = (id: string, name: string, input: string) => ({
  id,
  type: 'function',
  function: { name, arguments: input },
});

describe('arguments that are several objects in a row', () => {
  it('are as many calls, with the pieces of the name and the id', () => {
    expect(answer('call_acall_b', 'looklook', '{"at":"a"}{"at":"b"}')).toEqual([
      call('call_a', 'look', '{"at":"a"}'),
      call('call_b', 'look', '{"at":"b"}'),
    ]);
  });

  it('are numbered if there is no id for each', () => {
    expect(answer(undefined, 'look', '{"at":"}{"}{"at":{"x":[1]}}{}')).toEqual([
      call('call_0', 'look', '{"at":"}{"}'),
      call('call_1', 'look', '{"at":{"x":[1]}}'),
      call('call_2', 'look', '{}'),
    ]);
  });

  it('are one call if it has its own id and name', () => {
    expect(answer('call_a', 'query', '{"at":1}{"at":2}')).toEqual([call('call_a', 'query', '{"at":1}{"at":2}')]);
  });

  it.each(['{"at":"}{"}', 'run(){}{x}', '{"a":1}{"b":', '{"a":1}{"b":2} and more'])(
    'are one call if they are not: %s',
    (input) => {
      expect(answer(undefined, 'look', input)).toEqual([call('call_0', 'look', input)]);
    },
  );
});

describe('a role that is the name of a tool', () => {
  const asked = {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }],
  };

  it('is that of its result if the tool was called before', () => {
    expect(new MessageReader().read([asked, { role: 'look', content: 'A linden.' }])[1]).toEqual({
      role: 'tool',
      content: 'A linden.',
      name: 'look',
      tool_call_id: 'c',
    });
  });

  it('is a user elsewhere', () => {
    const [, said] = new MessageReader().read([asked, { role: 'customer', content: 'A linden.' }]);
    expect(said).toEqual({ role: 'user', content: 'A linden.' });
    expect(new MessageReader().read([{ role: 'look', content: 'A linden.' }])).toEqual([
      { role: 'user', content: 'A linden.' },
    ]);
  });
});

describe('instructions in the body of an answer', () => {
  it('are no answer, and in a request come first', () => {
    const body = { instructions: 'Be brief.', output: [{ type: 'message', role: 'assistant', content: 'Yes.' }] };
    expect(new MessageReader().readOutput(body)).toEqual([{ role: 'assistant', content: 'Yes.' }]);
    expect(new MessageReader().readOutput({ ...body, output: [] })).toEqual([]);
    const asked = new MessageReader().read({ instructions: 'Be brief.', input: 'Is it?' });
    expect(asked.map(({ role }) => role)).toEqual(['system', 'user']);
  });
});

describe('answers of one provider', () => {
  const said = { role: 'assistant', content: 'Yes.' };

  it.each([
    [{ outputs: [{ text: 'Yes.', stop_reason: 'stop' }] }, 'stop'],
    [{ completions: [{ data: { text: 'Yes.' }, finishReason: { reason: 'endoftext' } }] }, 'endoftext'],
    [{ candidates: [{ output: 'Yes.', safetyRatings: [] }] }, undefined],
    [{ text: 'Yes.', generation_id: 'g', finish_reason: 'COMPLETE' }, 'COMPLETE'],
  ])('are their texts: %j', (body, reason) => {
    expect(fromRareAnswer(body)).toEqual({ ...said, finish_reason: reason });
  });

  it.each([
    { outputs: [{ text: 'Yes.' }] },
    { completions: [{ data: { text: 'Yes.' } }] },
    { candidates: [{ output: 'Yes.' }] },
    { text: 'Yes.', generation_id: 'g' },
  ])('are not what only looks alike: %j', (body) => {
    expect(fromRareAnswer(body)).toBe(body);
  });
});
