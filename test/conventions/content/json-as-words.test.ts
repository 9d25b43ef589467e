/**
 * A model may write JSON that looks like the body of an answer. Where an attribute has its words, and not a body, they stay
 * as they are. Lists of typed blocks are opened: instrumentations write those of an answer as one text.
 */
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read, type SpanParts } from '../span.ts';

const json = JSON.stringify;
const message = { role: 'assistant', content: 'a' };

const BODIES: Readonly<Record<string, unknown>> = {
  "OpenAI's": {
    id: 'x',
    object: 'chat.completion',
    model: 'n',
    choices: [{ index: 0, finish_reason: 'length', message }],
    usage: { prompt_tokens: 50, completion_tokens: 2 },
  },
  "OpenAI's alone": { choices: [{ index: 0, finish_reason: 'length', message }] },
  "Anthropic's": {
    id: 'x',
    type: 'message',
    role: 'assistant',
    model: 'n',
    content: [{ type: 'text', text: 'a' }],
    stop_reason: 'max_tokens',
    usage: { input_tokens: 50, output_tokens: 2 },
  },
  "Gemini's": {
    candidates: [{ content: { role: 'model', parts: [{ text: 'a' }] }, finishReason: 'MAX_TOKENS' }],
    usageMetadata: { promptTokenCount: 50 },
  },
  "of the Responses API's": {
    id: 'x',
    object: 'response',
    model: 'n',
    output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }],
    usage: { input_tokens: 50, output_tokens: 2 },
  },
  "Converse's": {
    output: { message: { role: 'assistant', content: [{ text: 'a' }] } },
    stopReason: 'max_tokens',
    usage: {},
  },
  "Spring AI's": { results: [{ output: { messageType: 'ASSISTANT', text: 'a' } }], metadata: { id: 'x', usage: {} } },
  "LangChain's": { lc: 1, type: 'constructor', id: ['a', 'AIMessage'], kwargs: { content: 'a' } },
  'a message': message,
  'a list of messages': [message],
  'a failure': { error: { message: 'no', type: 'invalid_request_error' } },
};

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const part = (content: string) => [{ role: 'assistant', parts: [{ type: 'text', content }] }];
const event = (name: string, attributes: Attributes) => ({ name, attributes, time: [1, 0] as [number, number] });
const LLM = { 'openinference.span.kind': 'LLM', 'llm.output_messages.0.message.role': 'assistant' };
const CONTENTS = 'llm.output_messages.0.message.contents.0.message_content.';

const WORDS: Readonly<Record<string, (said: string) => readonly [Attributes, SpanParts?]>> = {
  'a part of a message': (said) => [{ ...CHAT, 'gen_ai.output.messages': json(part(said)) }],
  'a part, as a value': (said) => [{ ...CHAT, 'gen_ai.output.messages': part(said) }],
  'the content of a message': (said) => [
    { ...CHAT, 'gen_ai.output.messages': json([{ role: 'assistant', content: said }]) },
  ],
  'a message as the completion': (said) => [
    { ...CHAT, 'gen_ai.completion': json([{ role: 'assistant', content: said }]) },
  ],
  'an event with details': (said) => [
    CHAT,
    { events: [event('gen_ai.client.inference.operation.details', { 'gen_ai.output.messages': json(part(said)) })] },
  ],
  "OpenInference's content": (said) => [{ ...LLM, 'llm.output_messages.0.message.content': said }],
  "OpenInference's contents": (said) => [{ ...LLM, [`${CONTENTS}type`]: 'text', [`${CONTENTS}text`]: said }],
  "OpenInference's completion": (said) => [{ 'openinference.span.kind': 'LLM', 'llm.choices.0.completion.text': said }],
  "the AI SDK's text": (said) => [{ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.response.text': said }],
  "Langfuse's message": (said) => [
    {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.output': json({ role: 'assistant', content: said }),
    },
  ],
  'the body of an answer': (said) => [
    {
      'mlflow.spanType': '"CHAT_MODEL"',
      'mlflow.spanOutputs': json({
        choices: [{ message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
      }),
    },
  ],
  "the body of Anthropic's answer": (said) => [
    {
      ...CHAT,
      'gen_ai.completion': json({
        id: 'y',
        type: 'message',
        role: 'assistant',
        content: [{ type: 'text', text: said }],
        usage: { input_tokens: 5, output_tokens: 2 },
      }),
    },
  ],
  "Sentry's text": (said) => [
    { 'sentry.op': 'gen_ai.chat', 'sentry.origin': 'auto.ai.openai', 'gen_ai.response.text': said },
  ],
};

describe.each(Object.entries(WORDS))('%s', (_place, spanOf) => {
  test.each(Object.entries(BODIES))('%s', (_name, body) => {
    const said = json(body);
    const { output, outputMessage, promptTokens, error } = read(...spanOf(said));
    expect([output, outputMessage?.tool_calls, error]).toEqual([said, undefined, undefined]);
    expect(promptTokens).not.toBe(50);
  });
});
