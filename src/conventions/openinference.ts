/**
 * OpenInference: every span names its kind in `openinference.span.kind`; JavaScript instrumentations set all attributes at
 * the end.
 *
 * Lists are flattened into keys, so that the attribute limit of a span (128) cuts long chats: the request in `input.value` is
 * complete then. `input.value` and `output.value` are the raw bodies for LLM spans, and inputs and output for all other kinds.
 */
import type { Attributes, SpanSlice } from '../otel.ts';
import { type Damage, defined, definedOrNone, firstCount, firstNumber, firstString, objectOf } from './attributes.ts';
import type { Convention, Reading, SpanKind } from './convention.ts';
import { damageMetadata } from './damage.ts';
import { readCall } from './openinference-call.ts';
import { readChain, readEmbedding, readRerank, readRetrieval, readTool } from './openinference-steps.ts';
import { plainObject } from './plain-json.ts';
import { readError } from './read-error.ts';
import { vercelAi } from './vercel-ai.ts';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['LLM', 'model'],
  ['TOOL', 'tool'],
  ['AGENT', 'agent'],
]);

export const openInference: Convention = {
  name: 'openinference',

  classify(span: SpanSlice): SpanKind | undefined {
    const kind = span.attributes['openinference.span.kind'];
    if (typeof kind !== 'string') return undefined;
    // On spans of the AI SDK these attributes are a translation, made by a processor, which loses some and takes every step for a
    // call; the originals are still there.
    if (vercelAi.classify(span) !== undefined) return undefined;
    return KINDS.get(kind.toUpperCase()) ?? 'generic';
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const app = plainObject(objectOf(attributes['metadata'], damage, 'metadata'));
    const kind = String(attributes['openinference.span.kind']).toUpperCase();
    const { metadata: ownMetadata, contentMetadata: ownContent, ...reading } = readContent(span, kind, app, damage);
    const { finishReason } = reading;
    return defined<Reading>({
      ...reading,
      error: readError(span, finishReason === undefined ? {} : { finishReason }),
      metadata: definedOrNone<Record<string, unknown>>({
        ...readMetadata(attributes, kind),
        ...ownMetadata,
        ...damageMetadata(damage),
      }),
      contentMetadata: definedOrNone<Record<string, unknown>>({ ...app, ...ownContent }),
    });
  },
};

function readContent(span: SpanSlice, kind: string, app: Record<string, unknown> | undefined, damage: Damage): Reading {
  switch (kind) {
    case 'LLM':
      return readCall(span, app, damage);
    case 'TOOL':
      return readTool(span.attributes, damage);
    case 'RETRIEVER':
      return readRetrieval(span.attributes, damage);
    case 'RERANKER':
      return readRerank(span.attributes, damage);
    case 'EMBEDDING':
      return readEmbedding(span.attributes, damage);
    default:
      return readChain(span.attributes, damage);
  }
}

/** On agents and chains token counts are sums of the calls below. */
function readMetadata(attributes: Attributes, kind: string): Record<string, unknown> {
  const details = {
    total_tokens: firstCount(attributes, 'llm.token_count.total'),
    cache_read_tokens: firstCount(
      attributes,
      'llm.token_count.prompt_details.cache_read',
      'llm.token_count.prompt_details.cache_input',
    ),
    cache_write_tokens: firstCount(attributes, 'llm.token_count.prompt_details.cache_write'),
    reasoning_tokens: firstCount(attributes, 'llm.token_count.completion_details.reasoning'),
    total_cost: firstNumber(attributes, 'llm.cost.total'),
  };
  const sums = {
    prompt_tokens: firstCount(attributes, 'llm.token_count.prompt'),
    output_tokens: firstCount(attributes, 'llm.token_count.completion'),
    ...details,
  };
  const isCall = kind === 'LLM' || kind === 'EMBEDDING';
  return defined<Record<string, unknown>>({
    ...(isCall ? details : { usage: definedOrNone<Record<string, unknown>>(sums) }),
    prompt_template_version: firstString(attributes, 'llm.prompt_template.version'),
    prompt_id: firstString(attributes, 'prompt.id'),
    prompt_vendor: firstString(attributes, 'prompt.vendor'),
    prompt_url: firstString(attributes, 'prompt.url'),
  });
}
