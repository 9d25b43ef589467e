/** Judgment's SDKs: the input of a call is the request to the provider, the output its answer, or the text of a stream. */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { countOf, nameOf, stringOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { typedSpans } from './typed-spans.ts';

const KIND = 'judgment.span_kind';
const USAGE = 'judgment.usage.';
const PROMPT = `${USAGE}prompt_tokens`;
/** Parts of the prompt's tokens, none of which includes another. */
const PROMPT_PARTS = ['non_cached_input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const;

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
  ['agent', 'agent'],
]);

export const judgment = typedSpans({
  name: 'judgment',
  title: 'Judgment',
  context: { session: ['judgment.session_id'], user: ['judgment.customer_user_id', 'judgment.customer_id'] },
  signs: { keys: [KIND] },

  kindOf({ attributes }: SpanSlice): SpanKind | undefined {
    const kind = stringOf(attributes[KIND]);
    return kind === undefined ? undefined : (KINDS.get(kind) ?? 'generic');
  },

  isCall: () => false,
  inputs: ['judgment.input'],
  outputs: ['judgment.output'],
  model: ['judgment.llm.model'],
  provider: ['judgment.llm.provider'],
  names: ({ span }) => span.name,
  facts,
  usage: new UsageTable(
    {
      promptTokens: [PROMPT],
      outputTokens: [`${USAGE}output_tokens`],
      total_cost: [`${USAGE}total_cost_usd`],
    },
    [USAGE],
  ),
  structure: new FieldTable<Record<string, unknown>>({
    linked_trace_id: [nameOf, 'judgment.link.target_trace_id'],
  }),
});

function facts({ attributes }: SpanFields): Attributes {
  const parts = PROMPT_PARTS.flatMap((name) => countOf(attributes[USAGE + name]) ?? []);
  return parts.length === 0 ? attributes : { ...attributes, [PROMPT]: parts.reduce((sum, part) => sum + part) };
}
