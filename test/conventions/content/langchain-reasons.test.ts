/** A message of LangChain says why the model stopped wherever its provider's library puts that, and in each vocabulary. */
import { describe, expect, test } from 'vitest';
import { PLACES } from '../answer-places.ts';
import { read } from '../span.ts';

type Fields = Record<string, unknown>;

const USAGE = { input_tokens: 5, output_tokens: 2, total_tokens: 7 };

/** What the libraries of the providers tell, in Python and in JavaScript. */
const TOLD: Readonly<Record<string, Fields>> = {
  "OpenAI's": { response_metadata: { finish_reason: 'length', model_name: 'm' }, additional_kwargs: {} },
  "Anthropic's": { response_metadata: { stop_reason: 'max_tokens', id: 'msg_1' }, additional_kwargs: {} },
  "Anthropic's in JavaScript": {
    additional_kwargs: { stop_reason: 'max_tokens', type: 'message' },
    response_metadata: {},
  },
  "Bedrock's": { response_metadata: { stopReason: 'max_tokens', metrics: {} }, additional_kwargs: {} },
  "Google's": { response_metadata: { finishReason: 'MAX_TOKENS' }, additional_kwargs: {} },
  "Google's in JavaScript": { additional_kwargs: { finishReason: 'MAX_TOKENS' }, response_metadata: {} },
  "Ollama's": { response_metadata: { done_reason: 'length', done: true }, additional_kwargs: {} },
  'of a stream': { additional_kwargs: { finish_reason: 'length' }, response_metadata: {} },
};

const SAID = { content: 'Snow.', usage_metadata: USAGE };

const FORMS: Readonly<Record<string, (told: Fields) => unknown>> = {
  'with a type': (told) => ({ type: 'ai', ...SAID, ...told, tool_calls: [] }),
  'with a role': (told) => ({ role: 'assistant', ...SAID, ...told }),
  'as it is stored': (told) => ({ type: 'ai', data: { ...SAID, ...told } }),
  serialised: (told) => ({
    lc: 1,
    type: 'constructor',
    id: ['langchain_core', 'messages', 'AIMessage'],
    kwargs: { ...SAID, ...told },
  }),
  'serialised as a chunk': (told) => ({
    lc: 1,
    type: 'constructor',
    id: ['langchain', 'schema', 'messages', 'AIMessageChunk'],
    kwargs: { ...SAID, ...told },
  }),
};

const AROUND: Readonly<Record<string, (message: unknown) => unknown>> = {
  alone: (message) => message,
  'in a list': (message) => [message],
  'in a generation': (message) => ({ generations: [[{ text: 'Snow.', message }]] }),
};

describe.each(Object.entries(PLACES))('%s', (_place, attributesOf) => {
  describe.each(Object.entries(AROUND))('%s', (_around, put) => {
    test.each(Object.entries(FORMS))('%s', (_form, messageOf) => {
      const reasons = Object.entries(TOLD).map(([name, told]) => {
        const reading = read(attributesOf(JSON.stringify(put(messageOf(told)))));
        return [name, reading.output, reading.finishReason, reading.outputTokens];
      });
      expect(reasons).toEqual(Object.keys(TOLD).map((name) => [name, 'Snow.', 'length', 2]));
    });
  });
});
