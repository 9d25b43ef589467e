/**
 * Instrumentations that set all attributes at the end of a span, or never end a failed one. Their open spans are
 * classified by instrumentation scope, so that they can be parents of spans that end before them.
 */
import { type SpanSlice, scopeOf } from '../otel/span-slice.ts';
import type { LogKind } from './convention.ts';

const KINDS: ReadonlyMap<string, LogKind> = new Map([
  ['@arizeai/openinference-instrumentation-openai', 'model'],
  ['@arizeai/openinference-instrumentation-anthropic', 'model'],
  ['@arizeai/openinference-instrumentation-bedrock', 'model'],
  ['@traceloop/node-server-sdk', 'generic'],
]);

/** Scopes that begin with this are frameworks: chains, agents, tools. */
const OPENINFERENCE = '@arizeai/openinference-';

/** Returns the kind of an open span by its scope; undefined for ended spans and unknown scopes. */
export function kindOfOpenSpan(span: SpanSlice): LogKind | undefined {
  if (span.ended !== false) return undefined;
  const { name } = scopeOf(span);
  return KINDS.get(name) ?? (name.startsWith(OPENINFERENCE) ? 'generic' : undefined);
}
