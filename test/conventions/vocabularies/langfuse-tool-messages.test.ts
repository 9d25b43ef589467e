/** Langfuse's spans of LangChain's tools have the tool's message as their output. */
import { expect, test } from 'vitest';
import { read } from '../span.ts';

const message = (kwargs: object) => ({
  lc: 1,
  type: 'constructor',
  id: ['langchain_core', 'messages', 'ToolMessage'],
  kwargs: { content: 'rain', tool_call_id: 'c1', name: 'look', status: 'success', ...kwargs },
});

const readTool = (output: unknown) =>
  read({ 'langfuse.observation.type': 'tool', 'langfuse.observation.output': JSON.stringify(output) });

test.each<[string, unknown]>([
  ['alone', message({})],
  ['in a list', [message({})]],
  ['below a key', { output: message({}) }],
  ['with blocks', message({ content: [{ type: 'text', text: 'rain' }] })],
  ['in a command', { lg_name: 'Command', update: { messages: [message({})] }, goto: [] }],
  ['without its class', { type: 'tool', content: 'rain', tool_call_id: 'c1', additional_kwargs: {} }],
])('a message %s says what the tool answered, and which call', (_place, output) => {
  const { output: said, metadata, error } = readTool(output);
  expect([said, metadata?.['tool_call_id'], error]).toEqual(['rain', 'c1', undefined]);
});

test('a message of a tool that failed is its error', () => {
  const { output, error } = readTool(message({ content: 'no yard', status: 'error' }));
  expect([output, error]).toEqual(['no yard', { type: 'tool error' }]);
});

test('an object that is no message stays what the tool returned', () => {
  const document = { lc: 1, type: 'constructor', id: ['langchain_core', 'documents', 'Document'], kwargs: { id: 1 } };
  expect(readTool(document).output).toBe('{"id":1}');
});
