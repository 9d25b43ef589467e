/**
 * Mastra: `mastra.span.type` beside `gen_ai.*`, all set at the end of a span.
 *
 * One `model_generation` covers a whole tool loop, with summed usage; steps, inferences and chunks below it shorten the
 * history and are plumbing. A failed call has an empty answer and the finish reason `error`; the error itself is on the
 * agent's span.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { type Damage, objectOf, omitUndefined, stringOf, unlessEmpty } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { millisSinceStart } from '../values/elapsed.ts';
import { fieldsBelow } from '../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../values/plain-json.ts';

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

/** Metadata of Mastra's own transport. `body` is the provider's raw response. */
const NOT_THE_APPS: ReadonlySet<string> = new Set(['body', 'headers', 'modelMetadata']);

export const mastra: Convention = {
  name: 'mastra',
  signs: { keys: ['mastra.span.type'] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const type = attributes['mastra.span.type'];
    return type === undefined ? undefined : (KINDS.get(type) ?? 'generic');
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const type = stringOf(attributes['mastra.span.type']) ?? '';
    return omitUndefined<Reading>({
      name: type === 'workflow_run' ? stringOf(span.name.replace(/^invoke_workflow /, '')) : undefined,
      ...readStep(attributes, type, damage),
      metadata: omitUndefined<Fields>({
        time_to_first_chunk_ms: millisSinceStart(span, attributes['mastra.completion_start_time']),
        ...damageMetadata(damage),
      }),
      contentMetadata: unlessEmpty(omitUndefined<Fields>(readAppMetadata(attributes))),
      providerResponse: toPlainObject(objectOf(attributes['mastra.metadata.body'], damage, 'mastra.metadata.body')),
    });
  },
};

/** Reads agents, workflows and their steps. Models and tools have inputs and output in `gen_ai.*`. */
function readStep(attributes: Attributes, type: string, damage: Damage): Reading {
  const [input, output] = [`mastra.${type}.input`, `mastra.${type}.output`];
  return omitUndefined<Reading>({
    inputs: inputsOf(structuredOf(attributes[input], damage, input)),
    output: type === 'rag_embedding' ? undefined : readOutput(structuredOf(attributes[output], damage, output)),
  });
}

/** The output of an agent is `{ text, object?, files }`. */
function readOutput(output: unknown): string | undefined {
  if (!isObject(output)) return toStepOutput(output);
  if (output['object'] !== undefined && output['object'] !== null) return toStepOutput(output['object']);
  return stringOf(output['text']) ?? toStepOutput(output);
}

function readAppMetadata(attributes: Attributes): Fields {
  const entries = Object.entries(fieldsBelow(attributes, 'mastra.metadata.') ?? {});
  return Object.fromEntries(
    entries.filter(([key]) => !NOT_THE_APPS.has(key)).map(([key, value]) => [key, toPlainJson(structuredOf(value))]),
  );
}
