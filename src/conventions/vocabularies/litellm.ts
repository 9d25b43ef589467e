/**
 * LiteLLM: GenAI conventions with some operations of its own, and what the proxy knows about the caller in
 * `metadata.*`. The raw request span below each call repeats it in Python's notation. Its second instrumentation keeps
 * to the conventions, and has costs, guardrails and callers in `litellm.*`.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { ModelTool } from '../../wire/v4.ts';
import { toModelTools } from '../content/model-tools.ts';
import { readError } from '../content/read-error.ts';
import { ownUsage, UsageTable, usageDetails } from '../content/usage.ts';
import type { Convention, ReadError, Reading, SpanKind } from '../convention.ts';
import {
  booleanOf,
  integerOf,
  nameOf,
  numberOf,
  stringListOf,
  tokenOf,
  unlessEmpty,
  wordOf,
} from '../values/attributes.ts';
import { FieldTable } from '../values/field-table.ts';
import { groupByIndex } from '../values/indexed-groups.ts';
import { toOptionalText, toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['atext_completion', 'model'],
  ['anthropic_messages', 'model'],
  ['agenerate_content', 'model'],
]);

const GUARDRAIL = 'litellm.guardrail.name';
const FINDINGS = 'litellm.guardrail.response';

const CALLER = ['user_api_key_alias', 'user_api_key_team_alias', 'user_api_key_user_id', 'user_api_key_org_alias'];

/** Beside a list of tools that the model is offered, this is the name of the one that runs. */
const TOOLS = 'gen_ai.tool.';

const COSTS = new UsageTable({
  promptCost: ['litellm.cost.input'],
  outputCost: ['litellm.cost.output'],
  total_cost: ['litellm.cost.total', 'litellm.cost.guardrail'],
});

const STRUCTURE = new FieldTable<Record<string, unknown>>({
  litellm_call_id: [nameOf, 'litellm.call_id'],
  call_type: [tokenOf, 'litellm.call_type'],
  purpose: [wordOf, 'litellm.request.purpose'],
  provider_model: [nameOf, 'litellm.provider.model'],
  team_id: [nameOf, 'litellm.team.id'],
  mcp_server_name: [nameOf, 'litellm.mcp.server.name'],
  guardrail_mode: [tokenOf, 'litellm.guardrail.mode'],
  guardrail_verdict: [tokenOf, 'litellm.guardrail.status'],
  guardrail_provider: [tokenOf, 'litellm.guardrail.provider'],
  guardrail_action: [tokenOf, 'litellm.guardrail.action'],
  guardrail_id: [nameOf, 'litellm.guardrail.id'],
  guardrail_categories: [categoriesOf, 'litellm.guardrail.violation_categories'],
  guardrail_confidence: [numberOf, 'litellm.guardrail.confidence_score'],
  guardrail_masked_entities: [integerOf, 'litellm.guardrail.masked_entity_count'],
  risk_score: [numberOf, 'litellm.guardrail.risk_score'],
});

export const liteLlm: Convention = {
  name: 'litellm',
  title: 'LiteLLM',
  context: { user: ['litellm.end_user.id'] },
  signs: { keys: ['hidden_params', 'litellm.call_id', GUARDRAIL], scopes: ['litellm'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (attributes[GUARDRAIL] !== undefined) return 'generic';
    const isOwn =
      scopeOf(span).name === 'litellm' ||
      attributes['hidden_params'] !== undefined ||
      attributes['litellm.call_id'] !== undefined;
    if (!isOwn) return undefined;
    if (span.name === 'raw_gen_ai_request') return 'plumbing';
    const kind = genAi.classify(span);
    return kind === 'generic' ? (KINDS.get(attributes['gen_ai.operation.name']) ?? kind) : kind;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes, keys } = fields;
    const costs = COSTS.read(attributes, keys);
    return {
      endpoint: kind === 'model' ? endpointOf(fields) : undefined,
      name: fields.firstName(GUARDRAIL),
      tools: kind === 'model' ? readTools(fields) : undefined,
      output: attributes[FINDINGS] === undefined ? undefined : toOptionalText(attributes[FINDINGS]),
      ...ownUsage(costs),
      error: readFailure(span),
      other: { stream: booleanOf(attributes['llm.is_streaming'] ?? attributes['litellm.request.streaming']) },
      metadata: {
        user: fields.firstString('metadata.user_api_key_end_user_id', 'llm.user'),
        ...STRUCTURE.read(attributes, keys),
        ...usageDetails(costs),
      },
      contentMetadata: readCaller(fields),
    };
  },
};

/** Returns those that are words: any other text may be content. */
function categoriesOf(value: unknown): string[] | undefined {
  const words = stringListOf(value)?.flatMap((category) => tokenOf(category) ?? []);
  return words?.length ? words : undefined;
}

/** Its function for chats is called `completion`. */
function endpointOf({ attributes }: SpanFields): 'chat' | 'complete' {
  const type = attributes['llm.request.type'] ?? attributes['gen_ai.operation.name'];
  return type === 'text_completion' || type === 'atext_completion' ? 'complete' : 'chat';
}

/** Reads `gen_ai.tool.N.name`, or what it writes in the names of OpenLLMetry. */
function readTools({ attributes }: SpanFields): ModelTool[] | undefined {
  const [own = [], older = []] = groupByIndex(attributes, [TOOLS, 'llm.request.functions.']);
  return toModelTools((own.length > 0 ? own : older).map(({ fields }) => fields));
}

/** The code of the provider's error is mostly the status of its answer. */
function readFailure(span: SpanSlice): ReadError | undefined {
  const error = readError(span);
  const status = integerOf(span.attributes['litellm.provider.error.code']);
  return error && status !== undefined && status >= 400 && status < 600 ? { httpStatus: status, ...error } : error;
}

/** Reads names and ids of the caller, never the key or its hash. */
function readCaller(fields: SpanFields): Record<string, unknown> | undefined {
  const found: Record<string, unknown> = {};
  for (const key of CALLER) {
    const value = fields.string(`metadata.${key}`);
    if (value !== 'None') found[key] = value;
  }
  found['team_alias'] = fields.string('litellm.team.alias');
  return unlessEmpty({ ...toPlainObject(fields.object('metadata.requester_metadata')), ...unlessEmpty(found) });
}
