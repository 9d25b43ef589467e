/** Spans of a call of a model whose answer is one value, by the vocabulary. */
import type { Attributes } from '../../src/otel/span-slice.ts';

export const PLACES: Readonly<Record<string, (answer: unknown) => Attributes>> = {
  openinference: (answer) => ({ 'openinference.span.kind': 'LLM', 'output.value': answer }),
  'gen-ai': (answer) => ({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': answer }),
  langfuse: (answer) => ({ 'langfuse.observation.type': 'generation', 'langfuse.observation.output': answer }),
  langsmith: (answer) => ({ 'langsmith.span.kind': 'llm', 'gen_ai.completion': answer }),
  mlflow: (answer) => ({ 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.spanOutputs': answer }),
  braintrust: (answer) => ({ 'braintrust.span_attributes': '{"type":"llm"}', 'braintrust.output_json': answer }),
  truefoundry: (answer) => ({ 'tfy.span_type': 'ChatCompletion', 'tfy.output': answer }),
  platforms: (answer) => ({ 'lmnr.span.type': 'LLM', 'lmnr.span.output': answer }),
  'confident-ai': (answer) => ({ 'confident.span.type': 'llm', 'confident.span.output': answer }),
  honeyhive: (answer) => ({
    honeyhive_event_type: 'model',
    honeyhive_event_name: 'n',
    'honeyhive_outputs.result': answer,
  }),
  judgment: (answer) => ({ 'judgment.span_kind': 'llm', 'judgment.output': answer }),
  traceai: (answer) => ({ 'fi.span.kind': 'LLM', 'raw.output': answer }),
  openllmetry: (answer) => ({ 'llm.request.type': 'chat', 'traceloop.entity.output': answer }),
};
