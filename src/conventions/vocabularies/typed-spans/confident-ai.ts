/** Attributes of Confident AI, which apps set by hand for DeepEval's exporter: `confident.span.*`, `confident.llm.*`, … */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { numberOf, stringOf, tokenOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { typedSpans } from './typed-spans.ts';

const TYPE = 'confident.span.type';
const MODEL = 'confident.llm.model';
const TOOL = 'confident.tool.name';
const KEYS = [TYPE, MODEL, TOOL, 'confident.span.input', 'confident.span.output'] as const;

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
  ['agent', 'agent'],
]);

export const confidentAi = typedSpans({
  name: 'confident-ai',
  title: 'Confident AI (DeepEval)',
  context: {
    session: ['confident.trace.thread_id'],
    user: ['confident.trace.user_id'],
    tags: ['confident.trace.tags'],
    environment: ['confident.trace.environment'],
  },
  signs: { keys: KEYS },

  kindOf(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (!KEYS.some((key) => attributes[key] !== undefined)) return undefined;
    const type = stringOf(attributes[TYPE]);
    if (type !== undefined) return KINDS.get(type) ?? 'generic';
    if (attributes[MODEL] !== undefined) return 'model';
    return attributes[TOOL] === undefined ? (genAi.classify(span) ?? 'generic') : 'tool';
  },

  isCall: () => false,
  inputs: ['confident.span.input'],
  outputs: ['confident.span.output'],
  model: [MODEL, 'confident.retriever.embedder'],
  names: [TOOL, 'confident.agent.name', 'confident.span.name'],
  descriptions: ['confident.tool.description'],
  app: ['confident.span.metadata', 'confident.trace.metadata'],
  usage: new UsageTable({
    promptTokens: ['confident.llm.input_token_count'],
    outputTokens: ['confident.llm.output_token_count'],
  }),
  structure: new FieldTable<Record<string, unknown>>({
    prompt_name: [tokenOf, 'confident.span.prompt_alias'],
    prompt_version: [tokenOf, 'confident.span.prompt_version'],
    top_k: [numberOf, 'confident.retriever.top_k'],
  }),
});
