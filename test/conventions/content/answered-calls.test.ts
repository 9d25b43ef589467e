/** Calls whose results are in the same answer of one model: nobody has to answer them. */
import { describe, expect, it } from 'vitest';
import { contentOf, writeLong, writeShortly } from '../../datapoint/short-way/both-ways.ts';
import { makeSpan, read } from '../span.ts';

type Item = Record<string, unknown>;

const call = (id: string): Item => ({ type: 'tool_call', id, name: 'look', arguments: { at: id } });
const result = (id: string): Item => ({ type: 'tool_call_response', id, response: { seen: id } });
const text: Item = { type: 'text', content: 'A linden.' };
const inList = (id: string) => ({ id, name: 'look', input: { at: id }, result: { seen: id } });
const waiting = (id: string) => ({ id, type: 'function', function: { name: 'look', arguments: `{"at":"${id}"}` } });

function readAnswers(messages: readonly Item[], reason?: string) {
  const { output, outputMessage, contentMetadata } = read({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
    'gen_ai.output.messages': JSON.stringify(messages),
    ...(reason !== undefined && { 'gen_ai.response.finish_reasons': [reason] }),
  });
  return { output, outputMessage, contentMetadata };
}

describe('an answer with the results of its calls', () => {
  const said = { role: 'assistant', content: 'A linden.' };

  it.each<[string, Item[]]>([
    ['in one message', [{ role: 'assistant', parts: [call('a'), result('a'), text] }]],
    [
      'in a message for each turn',
      [
        { role: 'assistant', parts: [call('a')] },
        { role: 'tool', parts: [result('a')] },
        { role: 'assistant', parts: [text] },
      ],
    ],
  ])('is what was said last: %s', (_where, messages) => {
    const expected = {
      output: 'A linden.',
      outputMessage: said,
      contentMetadata: { provider_tool_calls: [inList('a')] },
    };
    expect(readAnswers(messages, 'stop')).toEqual(expected);
    const withReasons = messages.map((message) => ({ ...message, finish_reason: 'stop' }));
    expect(readAnswers(withReasons)).toEqual(expected);
  });

  it('is no message if it has nothing else', () => {
    const { outputMessage, contentMetadata } = readAnswers(
      [{ role: 'assistant', parts: [call('a'), result('a')] }],
      'stop',
    );
    expect(outputMessage).toBeUndefined();
    expect(contentMetadata).toEqual({ provider_tool_calls: [inList('a')] });
  });

  it('keeps the call that the app has to answer', () => {
    const { outputMessage, contentMetadata } = readAnswers(
      [{ role: 'assistant', parts: [call('a'), call('b'), result('a')] }],
      'tool_calls',
    );
    expect(outputMessage).toEqual({ role: 'assistant', tool_calls: [waiting('b')] });
    expect(contentMetadata).toEqual({ provider_tool_calls: [inList('a')] });
  });

  it.each(['tool_calls', undefined])('stays as it is if it may be the turns of the app: %s', (reason) => {
    const { outputMessage } = readAnswers([{ role: 'assistant', parts: [call('a'), result('a')] }], reason);
    expect(outputMessage).toEqual({ role: 'assistant', tool_calls: [waiting('a')] });
  });
});

describe("the AI SDK's spans of versions 4 to 6, which have no results", () => {
  const attributes = {
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.id': 'm',
    'ai.prompt.messages': '[{"role":"user","content":[{"type":"text","text":"What is new?"}]}]',
    'ai.response.text': 'Much.',
    'ai.response.toolCalls': JSON.stringify([{ toolCallId: 'w', toolName: 'web', input: '{"q":"x"}' }]),
  };
  const calls = [{ id: 'w', type: 'function', function: { name: 'web', arguments: '{"q":"x"}' } }];

  it.each<[string, string, boolean]>([
    ['provider', 'stop', true],
    ['provider-defined', 'length', true],
    // The app runs some tools that the provider defines, such as Anthropic's shell.
    ['provider', 'tool-calls', false],
    ['function', 'stop', false],
  ])('tool of type %s, finish reason %s', (type, reason, isProviders) => {
    const span = makeSpan({
      ...attributes,
      'ai.prompt.tools': [JSON.stringify({ type, name: 'web', id: 'x.web', args: {} })],
      'ai.response.finishReason': reason,
    });
    const { outputMessage, contentMetadata } = read(span.attributes);
    expect(outputMessage).toEqual({ role: 'assistant', content: 'Much.', ...(!isProviders && { tool_calls: calls }) });
    expect(contentMetadata?.['provider_tool_calls']).toEqual(
      isProviders ? [{ id: 'w', name: 'web', input: { q: 'x' } }] : undefined,
    );
    const short = writeShortly(span);
    if (short) expect(contentOf(short)).toEqual(contentOf(writeLong(span)));
    expect(short === undefined).toBe(isProviders);
  });
});
