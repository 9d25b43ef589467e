/**
 * Eino (CloudWeGo) with its callbacks for APMPlus: every component of a graph has what it was given as the first prompt and what it
 * returned as the first completion, also a tool, a template or the graph. Those of its models are read as anybody's.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { jsonValueAt } from '../../content/provider-bodies.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { stringOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { openLlmetry } from '../openllmetry/openllmetry.ts';
import { typedSpans } from './typed-spans.ts';

const COMPONENT = 'runinfo.component';
const SYSTEM = 'eino';

export const eino = typedSpans({
  name: 'eino',
  title: 'Eino',
  signs: { keys: [COMPONENT] },
  covers: [genAi.name, openLlmetry.name],

  kindOf({ attributes }: SpanSlice): SpanKind | undefined {
    const component = stringOf(attributes[COMPONENT]);
    if (component === undefined || attributes['gen_ai.system'] !== SYSTEM || component === 'ChatModel')
      return undefined;
    return component === 'Tool' ? 'tool' : 'generic';
  },

  isCall: ({ attributes }) => attributes[COMPONENT] === 'Embedding',
  inputs: (fields) => opened(fields, ['gen_ai.input', 'gen_ai.prompt.0.content'], 'ArgumentsInJSON'),
  outputs: (fields) => opened(fields, ['gen_ai.output', 'gen_ai.completion.0.content'], 'Response'),
  model: ['gen_ai.response.model', 'gen_ai.request.model'],
  names: ['runinfo.name'],
  usage: new UsageTable({
    promptTokens: ['gen_ai.usage.prompt_tokens'],
    outputTokens: ['gen_ai.usage.completion_tokens'],
    total_tokens: ['gen_ai.usage.total_tokens'],
  }),
  structure: new FieldTable<Record<string, unknown>>({}),
});

/** What a tool was given and returned is a text in a structure of Go. */
function opened(fields: SpanFields, keys: readonly string[], text: string): unknown {
  const key = fields.firstKey(...keys);
  const value = key === undefined ? undefined : jsonValueAt(fields, key);
  return isObject(value) && typeof value[text] === 'string' ? value[text] : value;
}
