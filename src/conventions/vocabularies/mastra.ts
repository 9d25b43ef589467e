/**
 * Mastra: `mastra.span.type` beside `gen_ai.*`, all set at the end of a span.
 *
 * One `model_generation` covers a whole tool loop, with summed usage; steps, inferences and chunks below it shorten the
 * history and are plumbing. A failed call has an empty answer and the finish reason `error`; the error itself is on the
 * agent's span.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { structuredAt, structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { STEPS } from '../steps.ts';
import { stringOf, textOf } from '../values/attributes.ts';
import { millisSinceStart } from '../values/elapsed.ts';
import { fieldsBelow } from '../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['agent_run', 'agent'],
  ['model_generation', 'model'],
  ['llm_generation', 'model'],
  ['tool_call', 'tool'],
  ['mcp_tool_call', 'tool'],
  ['provider_tool_call', 'tool'],
  ['client_tool_call', 'tool'],
  ['llm_chunk', 'plumbing'],
]);

/** Metadata of Mastra's own transport. `body` is the provider's raw response. */
const NOT_THE_APPS: ReadonlySet<string> = new Set(['body', 'headers', 'modelMetadata']);

export const mastra: Convention = {
  name: 'mastra',
  title: 'Mastra',
  packages: ['@mastra/core', '@mastra/otel-bridge', '@mastra/otel-exporter', '@mastra/arize', '@mastra/langfuse'],
  context: {
    session: [
      'mastra.metadata.sessionId',
      'mastra.metadata.threadId',
      'mastra.metadata.thread_id',
      'mastra.thread.id',
      'mastra.threadId',
      'mastra.resource.id',
      'mastra.resourceId',
    ],
    user: ['mastra.metadata.userId'],
    tags: ['mastra.tags'],
  },
  signs: { keys: ['mastra.span.type'] },

  classify({ attributes, name }: SpanSlice): SpanKind | undefined {
    const type = attributes['mastra.span.type'];
    if (type === undefined) return undefined;
    // The call is the generation, or each request of it: one of them is `chat` and has the tokens, the other is a step.
    const named = operationInName(name);
    const operation = attributes['gen_ai.operation.name'] ?? named;
    if (type === 'model_inference' && operation === 'chat') return 'model';
    if (type === 'model_generation' && operation === type && named === type) return 'generic';
    return STEPS.has(type) ? 'plumbing' : (KINDS.get(type) ?? 'generic');
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const type = fields.string('mastra.span.type') ?? '';
    const isCall = kind === 'model' || kind === 'tool';
    const key = fields.firstKey(`mastra.${type}.output`) ?? (isCall ? undefined : 'langfuse.observation.output');
    const output = structuredAt(fields, key);
    return {
      name: nameInName(type, span.name),
      // Models and tools have inputs and output in `gen_ai.*`.
      inputs: inputsOf(structuredAt(fields, `mastra.${type}.input`)),
      output: type === 'rag_embedding' ? undefined : ANSWERS.has(type) ? readAnswer(output) : toStepOutput(output),
      metadata: {
        time_to_first_chunk_ms: millisSinceStart(span, fields.attributes['mastra.completion_start_time']),
      },
      contentMetadata: readAppMetadata(fields),
      providerResponse: toPlainObject(fields.object('mastra.metadata.body')),
    };
  },
};

/** Names of workflows, and of tools where the exporter for Arize is the source, are only in the span's name. */
function nameInName(type: string, name: unknown): string | undefined {
  if (typeof name !== 'string' || (type !== 'workflow_run' && !type.endsWith('tool_call'))) return undefined;
  return stringOf(/^(?:invoke_workflow|execute_tool) (.+)/.exec(name)?.[1] ?? (type === 'workflow_run' ? name : ''));
}

/** The exporter for Arize leaves the operation out, and has it only in the span's name: `chat gpt-4o`. */
function operationInName(name: unknown): string | undefined {
  return typeof name === 'string' ? name.split(' ', 1)[0] : undefined;
}

/** The output of these is `{ text, object?, files }`. An object that a tool or a workflow returns is the app's own. */
const ANSWERS: ReadonlySet<string> = new Set(['agent_run', 'model_generation', 'llm_generation']);

function readAnswer(output: unknown): string | undefined {
  if (!isObject(output)) return toStepOutput(output);
  if (output['object'] !== undefined && output['object'] !== null) return toStepOutput(output['object']);
  return textOf(output['text']) ?? toStepOutput(output);
}

function readAppMetadata({ attributes }: SpanFields): Fields {
  const entries = Object.entries(fieldsBelow(attributes, 'mastra.metadata.') ?? {});
  return Object.fromEntries(
    entries.filter(([key]) => !NOT_THE_APPS.has(key)).map(([key, value]) => [key, toPlainJson(structuredOf(value))]),
  );
}
