/**
 * TrueFoundry's AI gateway: a span for each request, and below it one for the call of a model, a tool of an MCP server or a
 * guardrail.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { booleanOf, nameOf, numberOf, stringOf, tokenOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { typedSpans } from './typed-spans.ts';

const TYPE = 'tfy.span_type';
const REQUEST_TYPE = 'tfy.model.request_type';
const METHOD = 'tfy.mcp_server.method';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['ChatCompletion', 'model'],
  ['Completion', 'model'],
  ['AgentResponse', 'agent'],
]);
const OTHER_CALLS: ReadonlySet<unknown> = new Set(['Embedding', 'Rerank']);

export const trueFoundry = typedSpans({
  name: 'truefoundry',
  title: "TrueFoundry's AI gateway",
  context: { session: ['tfy.request.conversation_id'] },
  signs: { keys: [TYPE] },

  kindOf({ attributes }: SpanSlice): SpanKind | undefined {
    const type = stringOf(attributes[TYPE]);
    if (type === undefined) return undefined;
    if (type === 'Model') return OTHER_CALLS.has(attributes[REQUEST_TYPE]) ? 'generic' : 'model';
    if (type === 'MCP') return isPlumbing(attributes[METHOD]) ? 'plumbing' : 'tool';
    return KINDS.get(type) ?? 'generic';
  },

  isCall: ({ attributes }) => attributes[TYPE] === 'Model',
  inputs: ['tfy.input'],
  outputs: ['tfy.output'],
  model: ['tfy.model.name', 'tfy.request.model_name'],
  names: ['tfy.mcp_server.primitive_name', 'tfy.guardrail.name'],
  variables: 'tfy.prompt_variables',
  errorMessage: ['tfy.error_message'],
  app: ['tfy.request.metadata'],
  usage: new UsageTable(
    {
      promptTokens: ['tfy.model.metric.input_tokens'],
      outputTokens: ['tfy.model.metric.output_tokens'],
      total_cost: ['tfy.model.metric.cost_in_usd'],
    },
    ['tfy.model.metric.'],
  ),
  structure: new FieldTable<Record<string, unknown>>({
    time_to_first_chunk_ms: [numberOf, 'tfy.model.metric.time_to_first_token_in_ms'],
    stream: [booleanOf, 'tfy.model.streaming'],
    prompt_name: [tokenOf, 'tfy.prompt_version_fqn'],
    guardrail_verdict: [tokenOf, 'tfy.guardrail.result'],
    guardrail_id: [nameOf, 'tfy.guardrail.id'],
    mcp_server: [nameOf, 'tfy.mcp_server.name'],
  }),
});

/** Any request of the protocol but the call of a tool. */
function isPlumbing(method: unknown): boolean {
  return method !== undefined && method !== 'tools/call';
}
