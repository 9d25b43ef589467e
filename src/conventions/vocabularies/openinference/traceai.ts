/**
 * traceAI of Future AGI: what OpenInference says, with its own key for the kind, bodies under `raw.`, and most other keys
 * among those of the GenAI conventions. Messages are flattened below these as OpenInference flattens them:
 * `gen_ai.input.messages.0.message.role`.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import { stringOf } from '../../values/attributes.ts';
import { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { vercelAi } from '../vercel-ai/vercel-ai.ts';
import { TRACE_AIS_KIND as KIND, KIND as OPEN_INFERENCES_KIND, openInference, readOfKind } from './openinference.ts';

const GENERAL_KIND = 'gen_ai.span.kind';
const GENKITS_TYPE = 'genkit:type';

const LISTS: readonly (readonly [string, string])[] = [
  ['gen_ai.input.messages.', 'llm.input_messages.'],
  ['gen_ai.output.messages.', 'llm.output_messages.'],
  ['gen_ai.tool.definitions.', 'llm.tools.'],
  ['gen_ai.retrieval.documents.', 'retrieval.documents.'],
];
const FLATTENED = /^gen_ai\.(?:input|output)\.messages\.\d+\.message\./;

/** Its keys, and those of OpenInference for the same. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['gen_ai.request.model', 'llm.model_name'],
  ['llm.model', 'llm.model_name'],
  ['gen_ai.provider.name', 'llm.provider'],
  ['gen_ai.request.parameters', 'llm.invocation_parameters'],
  ['gen_ai.input.messages', 'llm.input_messages'],
  ['gen_ai.output.messages', 'llm.output_messages'],
  ['gen_ai.usage.input_tokens', 'llm.token_count.prompt'],
  ['gen_ai.usage.output_tokens', 'llm.token_count.completion'],
  ['gen_ai.usage.total_tokens', 'llm.token_count.total'],
  ['gen_ai.usage.cache_read_tokens', 'llm.token_count.prompt_details.cache_read'],
  ['gen_ai.usage.cache_write_tokens', 'llm.token_count.prompt_details.cache_write'],
  ['gen_ai.usage.input_tokens.cache_read', 'llm.token_count.prompt_details.cache_read'],
  ['gen_ai.usage.input_tokens.cache_write', 'llm.token_count.prompt_details.cache_write'],
  ['gen_ai.usage.input_tokens.audio', 'llm.token_count.prompt_details.audio'],
  ['gen_ai.usage.output_tokens.audio', 'llm.token_count.completion_details.audio'],
  ['gen_ai.usage.output_tokens.reasoning', 'llm.token_count.completion_details.reasoning'],
  ['gen_ai.tool.name', 'tool.name'],
  ['gen_ai.tool.description', 'tool.description'],
  ['gen_ai.tool.parameters', 'tool.parameters'],
  ['gen_ai.agent.name', 'agent.name'],
  ['gen_ai.prompt.template.variables', 'llm.prompt_template.variables'],
  ['gen_ai.prompt.template.version', 'llm.prompt_template.version'],
  ['gen_ai.cost.input', 'llm.cost.prompt'],
  ['gen_ai.cost.output', 'llm.cost.completion'],
  ['gen_ai.cost.total', 'llm.cost.total'],
]);

/** The bodies, where the values have only the words in them. */
const BODIES: readonly (readonly [string, string])[] = [
  ['raw.input', 'input.value'],
  ['raw.output', 'output.value'],
  // In Java.
  ['fi.raw_input', 'input.value'],
  ['fi.raw_output', 'output.value'],
];

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['LLM', 'model'],
  ['TOOL', 'tool'],
  ['AGENT', 'agent'],
]);

const OF_KIND: Readonly<Record<SpanKind, string>> = {
  model: 'LLM',
  tool: 'TOOL',
  agent: 'AGENT',
  generic: 'CHAIN',
  plumbing: 'CHAIN',
};

export const traceAi: Convention = {
  name: 'traceai',
  title: 'traceAI (Future AGI)',
  // What was said is there in words of its own: `Function: get_weather({})`.
  covers: [openInference.name],
  signs: { keys: [KIND], prefixes: LISTS.map(([prefix]) => prefix) },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const areFlattened = hasMessages(attributes);
    if (attributes[KIND] === undefined && !areFlattened) return undefined;
    // Its processors add the kind to spans of others, which say more in attributes of their own.
    if ((attributes[OPEN_INFERENCES_KIND] ?? attributes[GENKITS_TYPE]) !== undefined) return undefined;
    if (vercelAi.classify(span) !== undefined) return undefined;
    const general = genAi.classify(span);
    // Whole messages are those of the GenAI conventions; beside flattened ones, they may be only their words.
    if (general !== undefined && !areFlattened && attributes['gen_ai.input.messages'] !== undefined) return undefined;
    const kind = kindOf(span);
    return kind === undefined ? general : (KINDS.get(kind) ?? 'generic');
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes, keys } = translated(span.attributes, kind === 'model');
    const inOtherWords = new SpanFields({ ...span, attributes });
    const reading = readOfKind(inOtherWords, kindOf(span) ?? OF_KIND[kind]);
    for (const key of inOtherWords.truncated) fields.truncated.add(keys.get(key) ?? key);
    return reading;
  },
};

function kindOf({ attributes }: SpanSlice): string | undefined {
  const kind = stringOf(attributes[KIND] ?? attributes[GENERAL_KIND])?.toUpperCase();
  return kind === 'UNKNOWN' ? undefined : kind;
}

function hasMessages(attributes: Attributes): boolean {
  for (const key in attributes) if (FLATTENED.test(key)) return true;
  return false;
}

interface Translated {
  readonly attributes: Attributes;
  /** Where the values stand on the span, by OpenInference's keys. */
  readonly keys: ReadonlyMap<string, string>;
}

function translated(attributes: Attributes, isCall: boolean): Translated {
  const keys = new Map<string, string>();
  for (const key in attributes) {
    const name = translatedKey(key);
    keys.set(attributes[name] === undefined ? name : key, key);
  }
  for (const [body, value] of BODIES) if (isCall && attributes[body] !== undefined) keys.set(value, body);
  return { attributes: Object.fromEntries(Array.from(keys, ([name, key]) => [name, attributes[key]])), keys };
}

function translatedKey(key: string): string {
  const [prefix, own] = LISTS.find(([beginning]) => key.startsWith(beginning)) ?? [];
  // In Python, a picture's address stands where the picture would.
  return prefix === undefined
    ? (NAMES.get(key) ?? key)
    : `${own}${key.slice(prefix.length)}`.replace(/\.message_content\.image$/, '.message_content.image.image.url');
}
