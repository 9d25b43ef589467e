/** What agents of ADK, Agno, AutoGen and CrewAI say in their own records, objects of an app that look alike, and turns of an agent. */
import { describe, expect, it } from 'vitest';
import { textOfEvent, toStepOutput } from '../../../src/conventions/content/provider-bodies.ts';
import { read } from '../span.ts';

const parts = (...list: object[]) => ({ role: 'model', parts: list });
const call = (name: string) => ({ id: name, type: 'function', function: { name, arguments: '{}' } });

describe('an event of an agent', () => {
  it.each<[string, Record<string, unknown>]>([
    ['ADK', { invocation_id: 'e-1', author: 'pilot', content: parts({ text: 'High tide.' }) }],
    ['ADK in JavaScript', { invocationId: 'e-1', author: 'pilot', content: parts({ text: 'High tide.' }) }],
    ['Agno', { run_id: 'r-1', content: 'High tide.', content_type: 'str' }],
    ['AutoGen', { chat_message: { source: 'pilot', type: 'TextMessage', content: 'High tide.' } }],
    ['AutoGen’s answer', { chat_message: { source: 'pilot', content: 'High tide.' }, inner_messages: [] }],
    ['a crew', { raw: 'High tide.', pydantic: null, json_dict: null, tasks_output: [], token_usage: {} }],
    ['a task', { description: 'Look', raw: 'High tide.', agent: 'pilot', output_format: 'raw' }],
  ])('is what it says: %s', (_framework, event) => {
    expect(textOfEvent(event)).toBe('High tide.');
  });

  it.each<[string, Record<string, unknown>]>([
    ['a route', { chat_message: { source: 'web', content: 'Where is it?' }, intent: 'refund' }],
    ['a draft', { content: 'Draft', content_type: 'str', score: 4 }],
    ['a book', { author: 'Ann', title: 'On tea', content: { parts: [{ text: 'Chapter one' }] } }],
    ['a picture', { description: 'A cat', raw: 'AAAA', output_format: 'png', agent: 'painter' }],
    ['a batch', { raw: 'all', tasks_output: ['a', 'b'] }],
    [
      'an event with a call',
      { invocation_id: 'e-1', author: 'p', content: parts({ text: 'See' }, { functionCall: { name: 'f', args: {} } }) },
    ],
  ])('stays whole if it is %s', (_name, value) => {
    expect(textOfEvent(value)).toBeUndefined();
    expect(toStepOutput(value)).toBe(JSON.stringify(value));
    const chain = { 'openinference.span.kind': 'CHAIN', 'output.mime_type': 'application/json' };
    expect(read({ ...chain, 'output.value': JSON.stringify(value) }).output).toBe(JSON.stringify(value));
  });
});

it('turns around what a tool answered are not one answer', () => {
  const turns = [
    { role: 'assistant', content: null, tool_calls: [call('f')] },
    { role: 'tool', tool_call_id: 'f', content: 'r' },
    { role: 'assistant', content: null, tool_calls: [call('g')] },
  ];
  const output = JSON.stringify(turns);
  const first = { role: 'assistant', tool_calls: [call('f')] };
  for (const attributes of [
    { 'langfuse.observation.type': 'generation', 'langfuse.observation.output': output },
    { 'braintrust.span_attributes': '{"type":"llm"}', 'braintrust.output_json': output },
    { 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.spanOutputs': output },
  ]) {
    expect(read(attributes)).toMatchObject({
      outputMessage: first,
      contentMetadata: { choices: [{ role: 'assistant', tool_calls: [call('g')] }] },
    });
  }
});
