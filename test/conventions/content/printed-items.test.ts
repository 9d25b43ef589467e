import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';

function answerOf(content: unknown) {
  return new MessageReader().readOutput([{ role: 'assistant', content }])[0];
}

describe('items of an answer that Python printed', () => {
  it.each([
    ["ResponseFunctionToolCall(arguments='{}', call_id='c', name='n', type='function_call', id='f')"],
    ["ChatCompletionMessageFunctionToolCall(id='c', function=Function(arguments='{}', name='n'), type='function')"],
    ["ToolUseBlock(id='c', input={}, name='n', type='tool_use')"],
    ["[ToolUseBlock(id='c', caller=None, input={}, name='n', type='tool_use')]"],
  ])('are calls: %s', (text) => {
    const message = {
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'n', arguments: '{}' } }],
    };
    expect(answerOf(text)).toEqual(message);
    expect(answerOf([{ type: 'text', text }])).toEqual(message);
  });

  it.each([
    ["TextBlock(citations=None, text='It\\'s 4.', type='text')"],
    ["[TextBlock(citations=None, text='It\\'s 4.', type='text')]"],
    [
      "ResponseOutputMessage(id='m', content=[ResponseOutputText(text=\"It's 4.\", type='output_text')], type='message')",
    ],
  ])('are texts: %s', (text) => {
    expect(answerOf(text)).toEqual({ role: 'assistant', content: "It's 4." });
  });

  it.each([
    'Point(x=1, y=2)',
    "Widget(type='button', label='OK')",
    "Widget(type='usage', label='Hi')",
    'Input(type="text", name="email")',
    'Event(type="message", user="bob")',
    "[Thinking(type='thinking', seconds=4)]",
    "Tool(type='function', name='x')",
    'Component(type="image", source="a.png")',
    'Call f(type=1)',
    "TextBlock(text='cut, type='text')",
    '(see the appendix)',
    'Use TextBlock(type="text")',
  ])('are no words about objects: %s', (text) => {
    expect(answerOf(text)).toEqual({ role: 'assistant', content: text });
  });
});
