/**
 * Content that AWS's distribution took out of the attributes of OpenInference and OpenLLMetry: one record for a span.
 *
 * The record does not say at which keys its messages were. What had a key of its own comes first; the numbered messages
 * follow, and the history's of the assistant are with the output.
 */
import type { Attributes, SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { isObject } from '../wire/json.ts';
import { holdsMessages, unwrapMessages } from './content/messages/message-wrappers.ts';
import { isAnswer, structuredOf } from './content/provider-bodies.ts';
import type { LogKind, Reading, SpanKind } from './convention.ts';
import { SpanFields } from './values/span-fields.ts';
import { readGenAiContent } from './vocabularies/gen-ai/content.ts';
import { readToolCall } from './vocabularies/gen-ai/tool-call.ts';
import { openEnvelope } from './vocabularies/openllmetry/envelope.ts';

type Messages = readonly Attributes[];

const OPENINFERENCE = /^(?:openinference\.instrumentation\.|@arizeai\/openinference-)/;
const OPENLLMETRY = /^(?:opentelemetry\.instrumentation\.|@traceloop\/)/;

/** Returns the record's content in events of the GenAI conventions; undefined for records of other scopes. */
export function spreadTaken(
  { name }: SpanEvent,
  asked: Messages,
  told: Messages,
  kind?: SpanKind,
): SpanEvent[] | undefined {
  if (OPENINFERENCE.test(name)) return fromOpenInference(asked, told);
  return OPENLLMETRY.test(name) ? fromOpenLlmetry(asked, told, kind) : undefined;
}

/** `input.value` and `output.value` come before the messages, and are all that other steps have. */
function fromOpenInference(asked: Messages, told: Messages): SpanEvent[] {
  const [output, turns] = withoutWhole(told);
  // Where no answer is a whole and each question has one, all of them are turns of a conversation.
  const isConversation = output === undefined && asked.filter(({ role }) => role === 'user').length <= told.length;
  const [input, messages] = withoutWhole(asked, !isConversation);
  const request = parsedOf(input);
  const answer = parsedOf(output);
  const last = turns.at(-1);
  const events: SpanEvent[] = [];
  if (messages.length > 0 && !hasConversation(request)) events.push(...conversation(messages, turns.slice(0, -1)));
  else if (input) events.push(prompt(request));
  if (last && !isAnswer(answer)) events.push(choice(last));
  else if (output) events.push(isAnswer(answer) ? completion(answer) : choice(output));
  return events;
}

/**
 * Takes off the first message if it is the whole input or output: a body, all there is, or one of the others again. A user may say
 * JSON, and the same twice: if it is not likely that there is a whole, only a body is one.
 */
function withoutWhole(messages: Messages, isLikely = true): [Attributes | undefined, Messages] {
  const [first, ...others] = messages;
  if (first === undefined || first['role'] === 'system') return [undefined, messages];
  const { content } = first;
  const isWhole =
    others.length === 0 ||
    (isLikely && others.some((other) => other['content'] === content)) ||
    isBodyOf(parsedOf(first), others, isLikely);
  return isWhole ? [first, others] : [undefined, messages];
}

/** Whether this is the body that the messages are of. The first message may be JSON, too. */
function isBodyOf(value: unknown, messages: Messages, isLikely: boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (hasConversation(value) || isAnswer(value)) return true;
  return isLikely && (says(value, messages[0]) || says(value, messages.at(-1)));
}

/** Whether these are messages or a body with a list of them. The words of one may be in JSON of the app's own. */
function hasConversation(value: unknown): boolean {
  return holdsMessages(value) && holdsMessages(unwrapMessages(value).items);
}

const MAX_DEPTH = 16;

/** Whether a text anywhere in the value is all that the message says. One of several in a list may be what it chose. */
function says(value: unknown, message: Attributes | undefined, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' && value === message?.['content'];
  if (Array.isArray(value) && value.length > 1 && value.every((item) => typeof item === 'string')) return false;
  return depth < MAX_DEPTH && Object.values(value).some((item) => says(item, message, depth + 1));
}

/** Numbered completions come before the numbered messages of the history. */
function fromOpenLlmetry(asked: Messages, told: Messages, kind?: SpanKind): SpanEvent[] {
  const [answer, ...others] = told;
  const areHistory = others.length < asked.filter(({ role }) => role === 'user').length;
  // JSON in a message is what was said; only other steps have one text for all that they were given.
  const isStep = kind !== 'model';
  const input = isStep && asked.length === 1 ? parsedOf(asked[0]) : undefined;
  const given = openEnvelope(input);
  const output = isStep && told.length === 1 ? parsedOf(answer) : undefined;
  const returned = openEnvelope(output);
  const events: SpanEvent[] = [];
  if (isObject(given) || given !== input) events.push(prompt(given));
  else events.push(...conversation(asked, areHistory ? others : []));
  if (returned !== output) events.push(completion(returned ?? undefined));
  else events.push(...(areHistory ? told.slice(0, 1) : told).map(choice));
  return events;
}

function parsedOf(message: Attributes | undefined): unknown {
  return structuredOf(message?.['content']);
}

function prompt(value: unknown): SpanEvent {
  return { name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': value } };
}

function completion(value: unknown): SpanEvent {
  return { name: 'gen_ai.content.completion', attributes: { 'gen_ai.completion': value } };
}

function choice({ content }: Attributes): SpanEvent {
  return { name: 'gen_ai.choice', attributes: { message: { role: 'assistant', content } } };
}

/** Turns of the assistant stand before what the user said next. */
function conversation(asked: Messages, told: Messages): SpanEvent[] {
  const events: SpanEvent[] = [];
  const turns = [...told];
  let isFirst = true;
  for (const { role, content } of asked) {
    const turn = role === 'user' && !isFirst ? turns.shift() : undefined;
    if (turn) events.push(message('assistant', turn['content']));
    if (role === 'user') isFirst = false;
    events.push(message(typeof role === 'string' ? role : 'user', content));
  }
  return [...events, ...turns.map(({ content }) => message('assistant', content))];
}

function message(role: string, content: unknown): SpanEvent {
  const name = ['system', 'assistant', 'tool'].includes(role) ? role : 'user';
  return { name: `gen_ai.${name}.message`, attributes: { role, content } };
}

/** Reads the content of a span whose own vocabulary knows it by attributes only. */
export function readTaken(span: SpanSlice, kind: LogKind): Reading {
  const fields = new SpanFields(Object.create(span, { attributes: { value: {} } }) as SpanSlice);
  if (kind === 'tool') return readToolCall(fields);
  const reading = readGenAiContent(fields, kind);
  // What another step returned is nobody's message.
  if (kind === 'generic' && reading.messages === undefined) delete reading.outputMessage;
  return reading;
}
