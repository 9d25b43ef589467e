/** Where vocabularies write the answer of a call, which may be the whole body of a provider. */
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
] as const;

/** Returns those of these keys that the span has. Most spans have one, or none. */
export function answerKeysOf({ attributes }: SpanFields): string[] {
  return ANSWERS.filter((key) => attributes[key] !== undefined && attributes[key] !== null);
}
