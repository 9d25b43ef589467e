/** What a span of OpenLLMetry is, by the entity or the request that it names. */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import type { SpanKind } from '../../convention.ts';
import { constantOf } from '../../values/printed/enum-member.ts';

const CREW_SCOPE = 'opentelemetry.instrumentation.crewai';

const ENTITY_KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['workflow', 'generic'],
  ['task', 'generic'],
  ['agent', 'agent'],
  ['tool', 'tool'],
  ['session', 'generic'],
  ['unknown', 'generic'],
]);

/** LangChain's tools are tasks. Newer releases mark them by the operation, older ones only by the class name. */
export function kindOfEntity(span: SpanSlice, entity: unknown): SpanKind {
  const operation = span.attributes['gen_ai.operation.name'];
  if (operation === 'execute_tool') return 'tool';
  const name = span.attributes['traceloop.entity.name'];
  const type = typeof entity === 'string' ? constantOf(entity) : entity;
  if (type === 'task' && typeof name === 'string' && name.endsWith('Tool')) return 'tool';
  const kind = ENTITY_KINDS.get(type) ?? 'generic';
  // LlamaIndex's calls are tasks.
  return type === 'task' ? (kindOfRequest(span) ?? kind) : kind;
}

/** Watsonx sets the type of a request on what asks no model anything, too. */
const NO_REQUESTS: ReadonlySet<string> = new Set(['watsonx.model_init', 'watsonx.get_details']);

export function kindOfRequest({ name, attributes }: SpanSlice): SpanKind | undefined {
  const request = attributes['llm.request.type'];
  if (typeof request !== 'string') return undefined;
  if (NO_REQUESTS.has(name)) return 'plumbing';
  const type = constantOf(request);
  return type === 'embedding' || type === 'rerank' ? 'generic' : 'model';
}

/** CrewAI's calls have parameters and a name: `gpt-4o.llm`. */
export function isCrewsCall({ name, attributes }: SpanSlice, scope: string): boolean {
  if (scope !== CREW_SCOPE || attributes['gen_ai.request.model'] === undefined) return false;
  return typeof name === 'string' && name.endsWith('.llm');
}
