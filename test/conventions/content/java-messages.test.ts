/** Messages as Spring AI and LangChain4j print them. */
import { expect, test } from 'vitest';
import { javaMessagesIn } from '../../../src/conventions/content/messages/java-messages.ts';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';

const readAll = (text: string) => new MessageReader().read(text);
const CALL = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
const CONVERSATION = [
  { role: 'system', content: "It's [brief]." },
  { role: 'user', content: 'Weather, please' },
  { role: 'assistant', tool_calls: [CALL] },
  { role: 'tool', content: '4 degrees', name: 'weather', tool_call_id: 'call_1' },
];

test('Spring AI', () => {
  const printed = [
    "SystemMessage{textContent='It's [brief].', messageType=SYSTEM, metadata={messageType=SYSTEM}}",
    "UserMessage{content='Weather, please', properties={messageType=USER}, messageType=USER}",
    'AssistantMessage [messageType=ASSISTANT, toolCalls=[ToolCall[id=call_1, type=function, name=weather, arguments={"city":"Oslo"}]], textContent=, metadata={role=ASSISTANT, annotations=[{}]}]',
    'ToolResponseMessage{responses=[ToolResponse[id=call_1, name=weather, responseData=4 degrees]], messageType=TOOL, metadata={messageType=TOOL}}',
  ];
  expect(readAll(`[${printed.join(', ')}]`)).toEqual(CONVERSATION);
  expect(readAll(printed[1]!)).toEqual([CONVERSATION[1]]);
});

test('LangChain4j', () => {
  const printed = [
    'SystemMessage { text = "It\'s [brief]." }',
    'UserMessage { name = null contents = [TextContent { text = "Weather, please" }] }',
    'AiMessage { text = null toolExecutionRequests = [ToolExecutionRequest { id = "call_1", name = "weather", arguments = "{"city":"Oslo"}" }] }',
    'ToolExecutionResultMessage { id = "call_1" toolName = "weather" text = "4 degrees" }',
  ];
  expect(readAll(`[${printed.join(', ')}]`)).toEqual(CONVERSATION);
});

test('an answer', () => {
  const answer = 'AssistantMessage [messageType=ASSISTANT, toolCalls=[], textContent=Soon, very soon., metadata={}]';
  expect(new MessageReader().readOutput(answer)).toEqual([{ role: 'assistant', content: 'Soon, very soon.' }]);
});

test.each([
  'UserMessage{content=',
  "[UserMessage{content='Hi', messageType=USER}",
  "[UserMessage{content='Hi', messageType=USER}, Other{}]",
  "UserMessage{content='Hi', messageType=USER} is what Java prints",
  'What is a UserMessage{content}?',
  'UserMessage { name = null contents = [the words that I typed }] }',
])('%s stays text', (text) => {
  expect(javaMessagesIn(text)).toBeUndefined();
  expect(readAll(text)).toEqual([{ role: 'user', content: text }]);
});

test('what a text of LangChain4j quotes stays a part of it', () => {
  const text = 'Why " }, TextContents { x }, FooContent { y }?';
  const printed = `UserMessage { name = null contents = [TextContent { text = "${text}" }] }`;
  expect(readAll(printed)).toEqual([{ role: 'user', content: text }]);
});

test('a long word takes time in proportion to its length', async () => {
  const read = (length: number) => () => {
    const text = `UserMessage { name = null contents = [${'a'.repeat(length)} }] }`;
    expect(javaMessagesIn(text)).toBeUndefined();
  };
  expect(await ratioOf(read(5_000), read(20_000))).toBeLessThan(MOST_RATIO);
});

test.each([
  'AssistantMessage [messageType=ASSISTANT, toolCalls=[], textContent=',
  'AssistantMessage [messageType=ASSISTANT, toolCalls=[',
  'AiMessage { text = "',
  "UserMessage{content='",
  'ToolResponseMessage{responses=[',
  'UserMessage { name = null contents = [TextContent { text = "',
  'ToolExecutionResultMessage { id = "1" toolName = "a" text = "',
])('a long text without an end takes time in proportion to its length: %s', async (start) => {
  const words = `], textContent=x, metadata={ " thinking = "y" toolExecutionRequests = [ ', properties={ ToolCall[id=1, type=a, name=b, arguments=c `;
  const read = (count: number) => () => expect(javaMessagesIn(start + words.repeat(count))).toBeUndefined();
  expect(await ratioOf(read(1_000), read(4_000))).toBeLessThan(MOST_RATIO);
});
