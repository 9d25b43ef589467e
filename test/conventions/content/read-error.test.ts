/** What is an error of a span, and what only looks like one. */
import { describe, expect, it } from 'vitest';
import { readSpan } from '../../../src/conventions/index.ts';
import { makeSpan, read } from '../span.ts';

const exception = (type: string, message = 'no') => ({
  events: [{ name: 'exception', attributes: { 'exception.type': type, 'exception.message': message } }],
});
const FAILED = { code: 2, message: 'no' };
const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'book' };
const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

describe('an exception that steers a graph', () => {
  it.each([
    ['gen-ai', TOOL, 'langgraph.errors.NodeInterrupt', 'NodeInterrupt'],
    [
      'langfuse',
      { 'langfuse.observation.type': 'span', 'langfuse.observation.level': 'ERROR' },
      'ParentCommand',
      'ParentCommand',
    ],
    ['langsmith', { 'langsmith.span.kind': 'chain' }, 'GraphBubbleUp', 'GraphBubbleUp'],
    ['openllmetry', { 'traceloop.span.kind': 'task' }, 'langgraph.errors.GraphInterrupt', 'GraphInterrupt'],
  ])('is no error in %s', (_vocabulary, attributes, type, interrupt) => {
    const reading = read(attributes, { status: FAILED, ...exception(type) });
    expect(reading.error).toBeUndefined();
    expect(reading.metadata).toMatchObject({ interrupt });
  });

  it('is known by error.type too', () => {
    const reading = read({ ...TOOL, 'error.type': 'GraphInterrupt' }, { status: FAILED });
    expect(reading).toEqual({ name: 'book', metadata: { convention: 'gen-ai', interrupt: 'GraphInterrupt' } });
  });

  it('is not known by the words of a message, nor by a part of a name', () => {
    const status = { code: 2, message: 'GraphInterrupt' };
    expect(read(TOOL, { status, ...exception('ValueError', 'GraphInterrupt') }).error?.type).toBe('ValueError');
    expect(read(TOOL, { status, ...exception('NoGraphInterrupt') }).error?.type).toBe('NoGraphInterrupt');
  });

  it.each([
    ['pydantic_ai.exceptions.CallDeferred', TOOL],
    ['pydantic_ai.exceptions.ApprovalRequired', TOOL],
    ['ToolInterruptError', { 'genkit:type': 'action', 'genkit:metadata:subtype': 'tool', 'genkit:state': 'error' }],
  ])('%s pauses a tool', (type, tool) => {
    const reading = read(tool, { status: FAILED, ...exception(type) });
    expect(reading.error).toBeUndefined();
    expect(reading.metadata?.['interrupt']).toBe(type.split('.').at(-1));
  });

  it.each(['shop.ApprovalRequired', 'ToolInterruptError'])('%s may be an error of the app', (type) => {
    expect(read(TOOL, { status: FAILED, ...exception(type) }).error?.type).toBe(type);
  });
});

describe('an exception and no status', () => {
  it.each([
    ['a model', CALL],
    ['a tool', TOOL],
    ['a model of OpenInference', { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'input.value': 'Hi' }],
    ['a model whose answer is empty', { ...CALL, 'gen_ai.completion': '' }],
  ])('is the error of %s without an answer', (_what, attributes) => {
    expect(read(attributes, exception('Timeout')).error).toEqual({ type: 'Timeout', message: 'no' });
  });

  it.each([
    ['text', { ...CALL, 'gen_ai.completion': 'Yes' }],
    ['tokens', { ...CALL, 'gen_ai.usage.output_tokens': 3 }],
    ['an id', { ...CALL, 'gen_ai.response.id': 'r1' }],
    ['a result', { ...TOOL, 'gen_ai.tool.call.result': '' }],
    ['steps of its own', { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'a' }],
  ])('is no error where there is an answer: %s', (_what, attributes) => {
    expect(read(attributes, exception('Timeout')).error).toBeUndefined();
  });

  it('is no error yet while the span is open', () => {
    const span = { ...makeSpan(CALL, exception('Timeout')), ended: false };
    expect(readSpan(span).error).toBeUndefined();
  });
});

it.each([
  ['Java', 'java.io.IOException: no\n\tat com.example.Client.send(Client.java:3)\n\tat x'],
  ['.NET', 'java.io.IOException: no\n   at Example.Send() in /src/Client.cs:line 3'],
  ['Node', 'java.io.IOException: no\n    at send (client.js:3:1)'],
  ['Go', 'java.io.IOException: no\n\ngoroutine 1 [running]:\nmain.main()'],
  ['Python', 'java.io.IOException: no\nTraceback (most recent call last):\n  File "x"'],
])('a message ends where the stack of %s begins', (_language, message) => {
  expect(read(CALL, { status: { code: 2, message } }).error).toEqual({ message: 'java.io.IOException: no' });
});

it('a message with lines of its own is kept', () => {
  const message = 'no\n at the gate\n  at noon';
  expect(read(CALL, { status: { code: 2, message } }).error).toEqual({ message });
});

it('a class that Python has printed is named', () => {
  const { error } = read({ ...CALL, 'error.type': "<class 'openai.RateLimitError'>" }, { status: FAILED });
  expect(error?.type).toBe('openai.RateLimitError');
});

describe('OpenTracing’s mark', () => {
  it.each([true, 'true'])('is an error: %j', (error) => {
    expect(read({ ...CALL, error, 'error.message': 'no' }).error).toEqual({ message: 'no' });
  });

  it('is none of a span that says that all went well', () => {
    expect(read({ ...CALL, error: true }, { status: { code: 1 } }).error).toBeUndefined();
  });

  it.each([false, 'false', 'no', '[]', '{}', 'ok', 0, null, 'The user cancelled'])('is none: %j', (error) => {
    expect(read({ ...CALL, error: error as never }).error).toBeUndefined();
  });

  it.each([{ error: 'a text' }, { 'http.status_code': 404 }, { 'error.message': 'no' }])(
    'nor is %j of a span that says that all went well',
    (said) => {
      expect(read({ ...CALL, ...said }, { status: { code: 1 } }).error).toBeUndefined();
    },
  );

  it('is the message if it is a text, of a call that has no answer', () => {
    expect(read({ ...CALL, error: 'a text' }).error).toEqual({ message: 'a text' });
    expect(read({ ...CALL, error: 'a text', 'gen_ai.completion': 'Hi' }).error).toBeUndefined();
  });
});
