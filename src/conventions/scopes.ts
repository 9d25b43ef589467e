/**
 * Instrumentations that set every attribute at the end, and some never end a failed span: an open span of theirs is
 * judged by its scope, so that it can be the parent of what ends before it.
 */
import { type SpanSlice, scopeOf } from '../otel/span-slice.ts';
import type { LogKind } from './convention.ts';

const KINDS: ReadonlyMap<string, LogKind> = new Map([
  ['@arizeai/openinference-instrumentation-openai', 'model'],
  ['@arizeai/openinference-instrumentation-anthropic', 'model'],
  ['@arizeai/openinference-instrumentation-bedrock', 'model'],
  ['@traceloop/node-server-sdk', 'generic'],
]);

/** Chains, agents and tools of frameworks. */
const OPENINFERENCE = '@arizeai/openinference-';

/** The kind of a span that is still open and says nothing of itself. */
export function kindOfOpenSpan(span: SpanSlice): LogKind | undefined {
  if (span.ended !== false) return undefined;
  const { name } = scopeOf(span);
  return KINDS.get(name) ?? (name.startsWith(OPENINFERENCE) ? 'generic' : undefined);
}
