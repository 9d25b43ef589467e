/**
 * Mastra: `mastra.span.type` beside `gen_ai.*`, all of it set at the end.
 *
 * One `model_generation` stands for a whole tool loop, with summed usage; steps, inferences and chunks below it abbreviate the
 * history and are plumbing. A call that fails leaves an empty answer and the finish reason `error`; the error itself is the agent's.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { readResult, structuredOf } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { type Damage, defined, definedOrNone, objectOf, stringOf } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { millisSinceStart } from '../values/elapsed.ts';
import { prefixed } from '../values/indexed-groups.ts';
import { plainJson, plainObject } from '../values/plain-json.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['agent_run', 'agent'],
  ['model_generation', 'model'],
  ['llm_generation', 'model'],
  ['tool_call', 'tool'],
  ['mcp_tool_call', 'tool'],
  ['provider_tool_call', 'tool'],
  ['client_tool_call', 'tool'],
  ['model_step', 'plumbing'],
  ['model_inference', 'plumbing'],
  ['model_chunk', 'plumbing'],
  ['llm_chunk', 'plumbing'],
]);

/** What Mastra keeps of its own transport; `body` is the provider's raw response. */
const NOT_THE_APPS: ReadonlySet<string> = new Set(['body', 'headers', 'modelMetadata']);

export const mastra: Convention = {
  name: 'mastra',

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const type = attributes['mastra.span.type'];
    return type === undefined ? undefined : (KINDS.get(type) ?? 'generic');
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const type = stringOf(attributes['mastra.span.type']) ?? '';
    return defined<Reading>({
      name: type === 'workflow_run' ? stringOf(span.name.replace(/^invoke_workflow /, '')) : undefined,
      ...readStep(attributes, type, damage),
      metadata: defined<Fields>({
        time_to_first_chunk_ms: millisSinceStart(span, attributes['mastra.completion_start_time']),
        ...damageMetadata(damage),
      }),
      contentMetadata: definedOrNone<Fields>(readAppMetadata(attributes)),
      providerResponse: plainObject(objectOf(attributes['mastra.metadata.body'], damage, 'mastra.metadata.body')),
    });
  },
};

/** Agents, workflows and their steps. Models and tools have theirs in `gen_ai.*`. */
function readStep(attributes: Attributes, type: string, damage: Damage): Reading {
  const [input, output] = [`mastra.${type}.input`, `mastra.${type}.output`];
  return defined<Reading>({
    inputs: inputsOf(structuredOf(attributes[input], damage, input)),
    output: type === 'rag_embedding' ? undefined : readOutput(structuredOf(attributes[output], damage, output)),
  });
}

/** An agent answers `{ text, object?, files }`. */
function readOutput(output: unknown): string | undefined {
  if (!isObject(output)) return readResult(output);
  if (output['object'] !== undefined && output['object'] !== null) return readResult(output['object']);
  return stringOf(output['text']) ?? readResult(output);
}

function readAppMetadata(attributes: Attributes): Fields {
  const entries = Object.entries(prefixed(attributes, 'mastra.metadata.') ?? {});
  return Object.fromEntries(
    entries.filter(([key]) => !NOT_THE_APPS.has(key)).map(([key, value]) => [key, plainJson(structuredOf(value))]),
  );
}
