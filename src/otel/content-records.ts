/**
 * Log records with the content of a span.
 *
 * Those of the GenAI conventions are known by their names. AWS's distribution for Python (of AgentCore) takes the
 * content out of the spans of any instrumentation, and writes it into one record for each span, with the name of the
 * span's scope: `{ input: { messages }, output: { messages } }`. That is spread here into events of the conventions.
 */
import { isObject } from '../wire/json.ts';
import { type Attributes, type SpanEvent, type SpanSlice, scopeOf } from './span-slice.ts';

const PREFIX = 'gen_ai.';

/** Whether a log record of this name has content, or a judgement, of the span that it names. */
export function isContentRecord(name: string, body: unknown): boolean {
  return name.startsWith(PREFIX) || isConversation(body);
}

/** Returns events of the conventions with the content of a record; undefined if that is not of a source that it knows. */
export type SpreadTaken = (
  event: SpanEvent,
  asked: readonly Attributes[],
  told: readonly Attributes[],
) => SpanEvent[] | undefined;

/**
 * Returns the span with such records as events of the conventions; the span itself if it has none. `spreadTaken` spreads those
 * whose messages stood in attributes.
 */
export function withSpreadRecords(span: SpanSlice, spreadTaken: SpreadTaken): SpanSlice {
  // What is read of a record that comes after its span's log has no scope.
  const { name: scope } = scopeOf(span);
  const isRecord = (event: SpanEvent) => (scope === '' || event.name === scope) && isRecordOfConversation(event);
  if (!span.events.some(isRecord)) return span;
  const events = span.events.flatMap((event) => (isRecord(event) ? spread(event, spreadTaken) : [event]));
  return Object.create(span, { events: { value: events } }) as SpanSlice;
}

function isRecordOfConversation({ name, attributes }: SpanEvent): boolean {
  return typeof name === 'string' && !name.startsWith(PREFIX) && isConversation(attributes?.['body']);
}

function isConversation(body: unknown): body is Readonly<Record<string, unknown>> {
  return isObject(body) && (messagesOf(body['input']) !== undefined || messagesOf(body['output']) !== undefined);
}

function messagesOf(side: unknown): readonly unknown[] | undefined {
  const messages = isObject(side) ? side['messages'] : undefined;
  return Array.isArray(messages) ? messages : undefined;
}

function spread(record: SpanEvent, spreadTaken: SpreadTaken): SpanEvent[] {
  const { attributes, time } = record;
  const body = attributes?.['body'] as Attributes;
  const asked = messagesOf(body['input'])?.filter(isObject) ?? [];
  const answered = messagesOf(body['output'])?.filter(isObject) ?? [];
  const events = spreadTaken(record, asked, answered) ?? [
    ...asked.map((message) => ({ name: `gen_ai.${roleOf(message, 'user')}.message`, attributes: fieldsOf(message) })),
    ...answered.map((message) => ({ name: 'gen_ai.choice', attributes: choiceOf(message) })),
  ];
  return time === undefined ? events : events.map((event) => ({ ...event, time }));
}

const ROLES: readonly unknown[] = ['system', 'user', 'assistant', 'tool'];

function roleOf({ role }: Attributes, otherwise: string): string {
  return ROLES.includes(role) ? (role as string) : otherwise;
}

/** What an event of the instrumentation said is whole in the place of the content. */
function fieldsOf({ role, content }: Attributes): Attributes {
  return { role, ...(isObject(content) ? content : { content }) };
}

function choiceOf(message: Attributes): Attributes {
  const { role: _role, content, message: said = content, ...fields } = fieldsOf(message);
  return { ...fields, message: said };
}
