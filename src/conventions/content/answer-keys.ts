/** Where vocabularies write the answer of a call, which may be the whole body of a provider. */
import type { Attributes } from '../../otel/span-slice.ts';
import type { Reading } from '../convention.ts';
import { unquotedText } from '../values/attributes.ts';
import { startsInCode } from '../values/printed/printed-objects.ts';
import type { SpanFields } from '../values/span-fields.ts';

const ANSWERS = [
  'gen_ai.completion',
  'gen_ai.output.messages',
  'gen_ai.content.completion',
  'langfuse.observation.output',
  'traceloop.entity.output',
  'output.value',
  'response_data',
  'mlflow.spanOutputs',
  'ai.response.body',
  'braintrust.output',
  'braintrust.output_json',
  'lmnr.span.output',
  'cozeloop.output',
  'agentops.entity.output',
  'gen_ai.completion_json',
  'gen_ai.response.text',
  ...['tfy.output', 'confident.span.output', 'honeyhive_outputs.result', 'raw.output', 'fi.raw_output'],
  'judgment.output',
] as const;

/** Where OpenInference and OpenLLMetry have the text of the answer's message, beside the answer as it was recorded. */
const MESSAGE_TEXTS = ['llm.output_messages.0.message.content', 'gen_ai.completion.0.content'] as const;

/** Returns those of these keys that the span has and that may hold a body. Most spans have one, or none. */
export function answerKeysOf({ attributes }: SpanFields): string[] {
  return ANSWERS.filter((key) => {
    const value = attributes[key];
    return value !== undefined && value !== null && !isTextOfMessage(value, attributes);
  });
}

/** Whether the answer is the text of its message too: a model may be asked for JSON, which is then no body. */
export function isTextOfMessage(answer: unknown, attributes: Attributes): boolean {
  return MESSAGE_TEXTS.some((key) => attributes[key] === answer);
}

/**
 * Whether the recorded answer is the text of what the model said, which may be JSON with names and counts of its own. What came
 * over the wire is a text, too, and no JSON.
 */
export function isSaid(recorded: unknown, { output }: Reading): boolean {
  if (output === undefined || typeof recorded !== 'string') return false;
  const text = unquotedText(recorded);
  return (/^\s*[{[]/.test(text) || startsInCode(text)) && (text === output || recorded === output);
}
