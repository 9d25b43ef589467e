/**
 * Microsoft's Prompt flow: every function that is traced has a type, its arguments and its result. A stream has a second span
 * with its contents, `Iterated(…)`, when it was read; what the first one returned is an empty list.
 */
import { type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { nameOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { typedSpans } from './typed-spans.ts';

const TYPE = 'span_type';
const FRAMEWORK = 'promptflow';
const OUTPUT = 'output';

export const promptFlow = typedSpans({
  name: 'prompt-flow',
  title: 'Prompt flow',
  signs: { scopes: [FRAMEWORK] },

  kindOf(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (attributes['framework'] !== FRAMEWORK || !scopeOf(span).name.startsWith(FRAMEWORK)) return undefined;
    return attributes[TYPE] === 'LLM' && attributes[OUTPUT] !== '[]' ? 'model' : 'generic';
  },

  isCall: ({ attributes }) => attributes[TYPE] === 'Embedding',
  inputs: ['inputs'],
  outputs: [OUTPUT],
  said: ['llm.generated_message'],
  model: [],
  names: ['node_name'],
  template: ['prompt.template'],
  variables: 'prompt.variables',
  usage: new UsageTable(
    {
      promptTokens: ['llm.usage.prompt_tokens'],
      outputTokens: ['llm.usage.completion_tokens'],
      total_tokens: ['llm.usage.total_tokens'],
    },
    ['llm.usage.'],
  ),
  structure: new FieldTable<Record<string, unknown>>({
    response_model: [nameOf, 'llm.response.model'],
    line_run_id: [nameOf, 'line_run_id'],
  }),
});
