/**
 * Puts a secret into every text of a recording that is content, and searches the output for secrets.
 *
 * Structure is: names of spans, tools, agents, models and files, ids, roles, kinds, versions, finish
 * reasons, error types, and choices from a fixed set. All other text is content, wherever it is.
 */
import type { SpanEvent, SpanSlice } from '../../../src/otel/span-slice.ts';
import { loadRecording, type RecordedSpan, toSpan, toSpans, toStartedSpan } from '../../conventions/recordings.ts';

export const SECRET = 'sk-secret-4711';

/** Last words of keys, as in `gen_ai.request.model`, `toolCallId`, `finish_reasons`. */
const STRUCTURE: ReadonlySet<string> = new Set(
  // `definitions`, `tools` and `names` are lists of tool names.
  `id name type kind role model provider vendor system operation user path key reason reasons status level version tier
  fingerprint timestamp address choice definitions tool tools names truncation label identifier
  parent embedder`.split(/\s+/),
);

export interface PlantedRecording {
  readonly name: string;
  readonly started: readonly SpanSlice[];
  readonly spans: readonly SpanSlice[];
}

/**
 * A secret in every field that the vocabularies read, each vocabulary in a span of its own: a recording has only some.
 */
export function handWrittenSpans(): PlantedRecording {
  const message = (role: string) => JSON.stringify([{ role, parts: [{ type: 'text', content: SECRET }] }]);
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
  const vocabularies: Record<string, string>[] = [
    { ...chat, 'gen_ai.input.messages': message('user'), 'gen_ai.output.messages': message('assistant') },
    { ...chat, 'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: SECRET }]) },
    {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.prompt.messages': JSON.stringify([{ role: 'user', content: SECRET }]),
      'ai.response.text': SECRET,
      'gen_ai.request.model': 'm',
      'ai.telemetry.metadata.note': SECRET,
    },
    {
      'openinference.span.kind': 'LLM',
      'input.value': SECRET,
      'output.value': SECRET,
      'llm.input_messages.0.message.role': 'user',
      'llm.input_messages.0.message.content': SECRET,
      metadata: JSON.stringify({ note: SECRET }),
    },
    {
      'traceloop.span.kind': 'tool',
      'traceloop.entity.name': 'tool',
      'traceloop.entity.input': SECRET,
      'traceloop.entity.output': SECRET,
    },
    {
      'llm.request.type': 'chat',
      'gen_ai.system': 'OpenAI',
      'gen_ai.request.model': 'm',
      'gen_ai.prompt.0.role': 'user',
      'gen_ai.prompt.0.content': SECRET,
      'gen_ai.completion.0.content': SECRET,
    },
    {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 't',
      'gen_ai.tool.call.arguments': JSON.stringify({ key: SECRET }),
      'gen_ai.tool.call.result': SECRET,
    },
  ];
  const failure = `failed with ${SECRET}`;
  const spans = vocabularies.map(
    (attributes, index): RecordedSpan => ({
      name: 'call',
      kind: 0,
      traceId: `${index + 1}`.repeat(32),
      spanId: `${index + 1}`.repeat(16),
      startTime: [1_700_000_000, 0],
      endTime: [1_700_000_001, 0],
      duration: [1, 0],
      status: { code: 2, message: failure },
      attributes,
      events: [
        { name: 'gen_ai.choice', attributes: { message: JSON.stringify({ content: SECRET }) } },
        { name: 'gen_ai.user.message', attributes: { content: SECRET } },
        { name: 'exception', attributes: { 'exception.type': 'Error', 'exception.message': failure } },
      ],
    }),
  );
  return { name: 'hand-written', started: spans.map(toStartedSpan), spans: spans.map(toSpan) };
}

export function plantedRecording(name: string): PlantedRecording {
  const recording = loadRecording(name);
  const structure = new Set([...STRUCTURE, ...(recording.$structure ?? [])]);
  return {
    name,
    started: recording.spans.map((span) => planted(toStartedSpan(span as RecordedSpan), structure)),
    spans: toSpans(recording).map((span) => planted(span, structure)),
  };
}

function planted(span: SpanSlice, structure: ReadonlySet<string>): SpanSlice {
  const withSecretsIn = (fields: object) => withSecrets(fields, structure) as Record<string, unknown>;
  const event = ({ name, attributes, time }: SpanEvent) => ({
    name,
    attributes: withSecretsIn(attributes ?? {}),
    ...(time && { time }),
  });
  return {
    ...span,
    attributes: withSecretsIn(span.attributes),
    events: span.events.map(event),
    status: { ...span.status, message: SECRET },
  };
}

function withSecrets(value: unknown, structure: ReadonlySet<string>, key = ''): unknown {
  if (typeof value === 'string') return withSecret(value, structure, key);
  if (Array.isArray(value)) return value.map((item) => withSecrets(item, structure, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withSecrets(item, structure, name)]));
}

function withSecret(text: string, structure: ReadonlySet<string>, key: string): string {
  const nested = nestedIn(text);
  if (nested !== undefined) return JSON.stringify(withSecrets(nested, structure, key));
  const isScalar = text === 'true' || text === 'false' || (text.trim() !== '' && Number.isFinite(Number(text)));
  return isScalar || structure.has(lastWord(key)) ? text : `${text} ${SECRET}`;
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
