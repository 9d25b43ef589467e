import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

describe('a Mastra span', () => {
  it.each([
    ['agent_run', 'agent'],
    ['model_generation', 'model'],
    ['tool_call', 'tool'],
    ['mcp_tool_call', 'tool'],
    ['workflow_run', 'generic'],
    ['workflow_step', 'generic'],
    ['model_step', undefined],
    ['model_inference', undefined],
    ['model_chunk', undefined],
  ])('%s: %s', (type, kind) => {
    expect(kindOf({ 'mastra.span.type': type, 'gen_ai.operation.name': type })).toBe(kind);
  });

  it('is plumbing as a step, though a second vocabulary takes it for a call', () => {
    expect(kindOf({ 'openinference.span.kind': 'LLM', 'gen_ai.operation.name': 'model_step' })).toBeUndefined();
  });

  it('has failed if the finish reason says so, and then has no answer', () => {
    const reading = read(
      {
        'mastra.span.type': 'model_generation',
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":""}]}]',
        'gen_ai.response.finish_reasons': '["error"]',
      },
      { status: { code: 1 } },
    );
    expect(reading.error).toEqual({ type: 'finish reason error' });
    expect(reading).not.toHaveProperty('output');
    expect(reading).not.toHaveProperty('outputMessage');
  });

  it('keeps the app’s metadata, and only the body of the transport’s, as the raw response', () => {
    const reading = read({
      'mastra.span.type': 'agent_run',
      'mastra.agent_run.input': '[{"role":"user","content":"hi"}]',
      'mastra.agent_run.output': '{"text":"","object":{"temp":57},"files":[]}',
      'mastra.metadata.tenant': '{"id":1}',
      'mastra.metadata.headers': '{"x":"y"}',
      'mastra.metadata.body': '{"id":"chatcmpl-1"}',
    });
    expect(reading.contentMetadata).toEqual({ tenant: { id: 1 } });
    expect(reading.providerResponse).toEqual({ id: 'chatcmpl-1' });
    expect(reading.inputs).toEqual({ input: [{ role: 'user', content: 'hi' }] });
    expect(reading.output).toBe('{"temp":57}');
  });

  it.each([
    ['model_inference', 'chat', 'chat gpt-4o', 'model'],
    ['model_inference', 'model_inference', 'model_inference a', undefined],
    // The name of an agent.
    ['model_inference', 'model_inference', 'chat a', undefined],
    ['model_inference', undefined, 'chat gpt-4o', 'model'],
    ['model_inference', undefined, 'chatter', undefined],
    ['model_generation', 'model_generation', 'model_generation gpt-4o', 'generic'],
    ['model_generation', undefined, 'model_generation gpt-4o', 'generic'],
    ['model_generation', 'chat', 'model_generation', 'model'],
  ])('is one call as %s with the operation %s and the name %s: %s', (type, operation, name, kind) => {
    expect(kindOf({ 'mastra.span.type': type, 'gen_ai.operation.name': operation }, { name })).toBe(kind);
  });

  it.each(['mastra.tool_call.output', 'gen_ai.tool.call.result'])(
    'leaves what a tool returns as it is, at %s',
    (key) => {
      const returned = '{"text":"Oslo","unit":"C","object":"cup"}';
      const tool = { 'mastra.span.type': 'tool_call', 'gen_ai.operation.name': 'execute_tool', [key]: returned };
      expect(read({ ...tool, 'langfuse.observation.output': returned }).output).toBe(returned);
    },
  );

  it('leaves what a step of a workflow returns as it is', () => {
    const returned = '{"text":"","score":3}';
    const step = { 'mastra.span.type': 'workflow_step', 'mastra.workflow_step.output': returned };
    expect(read(step).output).toBe(returned);
  });

  it('takes nothing out of JSON that the model has answered', () => {
    const answer = '{"object":"cup","text":"x"}';
    const reading = read({
      'mastra.span.type': 'model_inference',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: answer }] }]),
      'langfuse.observation.output': answer,
    });
    expect(reading.output).toBe(answer);
  });
});
