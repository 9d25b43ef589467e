/**
 * Recordings with a secret in every text that is content, and the search for what got out.
 *
 * The rule of what is structure: names of spans, tools, agents, models and files, ids, roles, kinds, versions, finish reasons, error
 * types, and choices from a fixed set. All other text is content, wherever it stands.
 */
import type { SpanEvent, SpanSlice } from '../src/otel/span-slice.ts';
import { loadRecording, type RecordedSpan, toSpans, toStartedSpan } from './conventions/recordings.ts';

export const SECRET = 'sk-secret-4711';

/** Last words of keys: `gen_ai.request.model`, `toolCallId`, `finish_reasons`. */
const STRUCTURE: ReadonlySet<string> = new Set([
  ...['id', 'name', 'type', 'kind', 'role', 'model', 'provider', 'system', 'operation', 'user', 'path', 'key'],
  ...['reason', 'reasons', 'status', 'level', 'version', 'tier', 'fingerprint', 'timestamp', 'address', 'choice'],
  // Lists of bare tool names.
  ...['definitions', 'tools'],
  'truncation',
]);

export interface PlantedRecording {
  readonly name: string;
  readonly started: readonly SpanSlice[];
  readonly spans: readonly SpanSlice[];
}

export function plantedRecording(name: string): PlantedRecording {
  const recording = loadRecording(name);
  return {
    name,
    started: recording.spans.map((span) => planted(toStartedSpan(span as RecordedSpan))),
    spans: toSpans(recording).map(planted),
  };
}

function planted(span: SpanSlice): SpanSlice {
  const event = ({ name, attributes, time }: SpanEvent) => ({
    name,
    attributes: withSecrets(attributes ?? {}) as Record<string, unknown>,
    ...(time && { time }),
  });
  return {
    ...span,
    attributes: withSecrets(span.attributes) as Record<string, unknown>,
    events: span.events.map(event),
    status: { ...span.status, message: SECRET },
  };
}

function withSecrets(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return withSecret(value, key);
  if (Array.isArray(value)) return value.map((item) => withSecrets(item, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withSecrets(item, name)]));
}

function withSecret(text: string, key: string): string {
  const nested = nestedIn(text);
  if (nested !== undefined) return JSON.stringify(withSecrets(nested, key));
  const isScalar = text === 'true' || text === 'false' || (text.trim() !== '' && Number.isFinite(Number(text)));
  return isScalar || STRUCTURE.has(lastWord(key)) ? text : `${text} ${SECRET}`;
}

function nestedIn(text: string): unknown {
  if (!text.startsWith('{') && !text.startsWith('[')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastWord(key: string): string {
  return (key.split(/[.:_\s]|(?<=[a-z])(?=[A-Z])/).at(-1) ?? '').toLowerCase();
}
