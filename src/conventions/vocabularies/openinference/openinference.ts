/**
 * OpenInference: every span has its kind in `openinference.span.kind`. JavaScript instrumentations set all attributes
 * at the end.
 *
 * Lists are flattened into keys, so the attribute limit of a span (128) cuts long chats; the request in `input.value`
 * is still complete. `input.value` and `output.value` are the raw bodies on LLM spans, inputs and output on all others.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { readError } from '../../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import {
  type Damage,
  firstCount,
  firstNumber,
  firstString,
  objectOf,
  put,
  unlessEmpty,
} from '../../values/attributes.ts';
import { damageMetadata } from '../../values/damage.ts';
import { toPlainObject } from '../../values/plain-json.ts';
import { vercelAi } from '../vercel-ai/vercel-ai.ts';
import { readModelCall } from './call.ts';
import { readChain, readEmbedding, readRerank, readRetrieval, readToolCall } from './steps.ts';

const KIND = 'openinference.span.kind';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['LLM', 'model'],
  ['TOOL', 'tool'],
  ['AGENT', 'agent'],
]);

export const openInference: Convention = {
  name: 'openinference',
  signs: { keys: [KIND] },

  classify(span: SpanSlice): SpanKind | undefined {
    const kind = span.attributes[KIND];
    if (typeof kind !== 'string') return undefined;
    // On spans of the AI SDK a processor adds these attributes as a translation. It loses some and takes every step for
    // a call; the original attributes are still there.
    if (vercelAi.classify(span) !== undefined) return undefined;
    return KINDS.get(kind.toUpperCase()) ?? 'generic';
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const app = toPlainObject(objectOf(attributes['metadata'], damage, 'metadata'));
    const kind = String(attributes[KIND]).toUpperCase();
    const reading = readContent(span, kind, app, damage);
    put(reading, 'error', readError(span, { finishReason: reading.finishReason }));
    const metadata = Object.assign(readMetadata(attributes, kind), reading.metadata);
    put(metadata, 'truncated', damageMetadata(damage).truncated);
    put(reading, 'metadata', unlessEmpty(metadata));
    if (app) put(reading, 'contentMetadata', unlessEmpty(Object.assign(app, reading.contentMetadata)));
    return reading;
  },
};

function readContent(span: SpanSlice, kind: string, app: Record<string, unknown> | undefined, damage: Damage): Reading {
  switch (kind) {
    case 'LLM':
      return readModelCall(span, app, damage);
    case 'TOOL':
      return readToolCall(span.attributes, damage);
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

function readMetadata(attributes: Attributes, kind: string): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  if (kind === 'LLM' || kind === 'EMBEDDING') {
    readUsageDetails(attributes, metadata);
  } else {
    // The token counts of agents and chains are sums over the calls below.
    const sums: Record<string, unknown> = {};
    put(sums, 'prompt_tokens', firstCount(attributes, 'llm.token_count.prompt'));
    put(sums, 'output_tokens', firstCount(attributes, 'llm.token_count.completion'));
    readUsageDetails(attributes, sums);
    put(metadata, 'usage', unlessEmpty(sums));
  }
  put(metadata, 'prompt_template_version', firstString(attributes, 'llm.prompt_template.version'));
  put(metadata, 'prompt_id', firstString(attributes, 'prompt.id'));
  put(metadata, 'prompt_vendor', firstString(attributes, 'prompt.vendor'));
  put(metadata, 'prompt_url', firstString(attributes, 'prompt.url'));
  return metadata;
}

function readUsageDetails(attributes: Attributes, into: Record<string, unknown>): void {
  put(into, 'total_tokens', firstCount(attributes, 'llm.token_count.total'));
  put(
    into,
    'cache_read_tokens',
    firstCount(attributes, 'llm.token_count.prompt_details.cache_read', 'llm.token_count.prompt_details.cache_input'),
  );
  put(into, 'cache_write_tokens', firstCount(attributes, 'llm.token_count.prompt_details.cache_write'));
  put(into, 'reasoning_tokens', firstCount(attributes, 'llm.token_count.completion_details.reasoning'));
  put(into, 'total_cost', firstNumber(attributes, 'llm.cost.total'));
}
