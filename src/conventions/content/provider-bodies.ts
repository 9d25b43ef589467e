/** Whole request and response bodies of a provider or framework in one attribute. */

import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import type { Reading } from '../convention.ts';
import {
  addTo,
  jsonOf,
  nameOf,
  omitUndefined,
  stringOf,
  unlessEmpty,
  unquotedText,
  withoutQuotes,
} from '../values/attributes.ts';
import { startsStructure } from '../values/json/json-start.ts';
import { toText } from '../values/json/plain-json.ts';
import { isPrintedBody, startsInCode } from '../values/printed/printed-objects.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { isAnswerMessage, listsAnswers } from './answer-items.ts';
import { printedDocumentsIn } from './documents.ts';
import { imageAnswerOf } from './image-answers.ts';
import { withKnownNames } from './messages/body-spellings.ts';
import { holdsBody } from './messages/envelopes.ts';
import { textOfState } from './messages/graph-state.ts';
import { areChoices, joinItems } from './messages/join-messages.ts';
import { toRole } from './messages/message-fields.ts';
import { finishReasonOf, holdsMessages, isFragment, isTable, openTexts } from './messages/message-wrappers.ts';
import { isLostAnswer, MessageReader } from './messages/messages.ts';
import { isTextOf } from './messages/own-json.ts';
import { fromRareAnswer } from './messages/rare-answers.ts';
import { isMessageInOtherSpelling } from './messages/spellings.ts';
import { toModelTools } from './model-tools.ts';
import { fromLangChain } from './parts/langchain-json.ts';
import { isKnownPart, isProviderPart } from './parts/message-parts.ts';
import { readRequestParameters, withConfig, withParameterNames } from './request-parameters.ts';
import { joinChunks } from './streams/stream-chunks.ts';

type Fields = Record<string, unknown>;

/** LangChain's serialisation is somewhere in the text. */
const LANGCHAIN_TEXT = /"lc\\*":\s?1\b/;

/** Each level is looked through as a whole. */
const MAX_DEPTH = 6;

const ANSWER_KEYS = ['choices', 'candidates', 'generations', 'output', 'response'] as const;

export function isLangChainText(text: string): boolean {
  return LANGCHAIN_TEXT.test(text);
}

/** Returns a list or an object, also from its JSON, and any other value as it is: the text `42` stays a text. */
export function structuredOf(value: unknown): unknown {
  return isStructuredText(value) ? toStructured(value, withoutQuotes(jsonOf(value))) : openList(value);
}

/** Returns the text of a list or an object at a key as it stands there; undefined if another value would say more. */
export function structureTextAt(fields: SpanFields, key: string | undefined): string | undefined {
  const value = key === undefined ? undefined : fields.attributes[key];
  if (typeof value !== 'string' || !isStructuredText(value.trimStart()) || isLangChainText(value)) return undefined;
  return fields.truncated.has(key as string) ? undefined : unquotedText(value);
}

/** The same of the value at a key. */
export function structuredAt(fields: SpanFields, key: string | undefined): unknown {
  if (key === undefined) return undefined;
  const value = fields.attributes[key];
  return isStructuredText(value) ? toStructured(value, fields.structure(key)) : openList(value);
}

/**
 * The same of a value that is JSON, whatever it is: a text has quotes, and what is empty is `null`. A text with the body of
 * a request or an answer in it was encoded twice; any other JSON in a text is what was said.
 */
export function jsonValueAt(fields: SpanFields, key: string): unknown {
  const value = fields.attributes[key];
  if (typeof value !== 'string' || !value.startsWith('"')) {
    return value === 'null' ? undefined : structuredAt(fields, key);
  }
  const text = fields.json(key) ?? value;
  const inner = structuredOf(text);
  return holdsAnyAnswer(inner) || (isObject(inner) && Array.isArray(inner['messages'])) ? inner : text;
}

/** Returns the answer in a text where an answer of a provider or a framework is; any other value as it is. */
export function openedAnswer(value: unknown): unknown {
  const inner = structuredOf(value);
  return typeof value === 'string' && !holdsAnyAnswer(inner) ? value : inner;
}

/** Whether this is an answer of any provider or framework, or the pieces of one. */
export function holdsAnyAnswer(value: unknown): boolean {
  return areAnswers(value) || isAnswer(fromRareAnswer(joinChunks(value)));
}

/** Returns the answer with an id that these words were read from; undefined if it is JSON that the model said. */
export function rawAnswerOf(response: unknown, { outputMessage }: Reading): Fields | undefined {
  if (!isObject(response) || stringOf(response['id']) === undefined || !holdsAnyAnswer(response)) return undefined;
  return isTextOf(response, outputMessage) ? undefined : response;
}

/** Returns what a tool returned, at a key whose value is JSON. `null` is what it returned, too. */
export function toolOutputAt(fields: SpanFields, key: string): string | undefined {
  return fields.attributes[key] === 'null' ? 'null' : toStepOutput(jsonValueAt(fields, key));
}

/** JSON, a class with its fields, or the first field of a message. */
const STRUCTURE_START = /^\ufeff?(?:(?:"(?:\\")?)?[{[]|[A-Z]\w*(?:\[[^()\n]{1,200}\])?\(\w+=|content=)/;

/** Whether a text may be a list or an object, as JSON or as Python prints it. */
export function isStructuredText(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  return STRUCTURE_START.test(value) || isPrintedBody(value);
}

/** A list attribute may have the JSON text of one message in each item. */
function openList(value: unknown): unknown {
  return Array.isArray(value) ? openTexts(value) : (value ?? undefined);
}

const REQUEST_KEYS = ['prompt', 'prompts', 'input', 'inputs', 'args', 'kwargs'] as const;

/** Whether rows of texts, or data in the spelling of a language, are the words of somebody. */
export function areWords(text: unknown, parsed: unknown): boolean {
  return isTable(parsed) || areWordsInCode(text, parsed);
}

/** Whether data in the spelling of a language is: it has no messages, no request and no answer. */
function areWordsInCode(text: unknown, parsed: unknown): boolean {
  if (typeof text !== 'string' || !startsInCode(text)) return false;
  if (isObject(parsed) && REQUEST_KEYS.some((key) => key in parsed)) return false;
  return !holdsMessages(parsed) && !holdsBody(parsed) && !holdsAnyAnswer(parsed);
}

function toStructured(text: string, parsed: unknown): unknown {
  if (typeof parsed !== 'object' || areWordsInCode(text, parsed)) return text;
  const items = Array.isArray(parsed) ? openTexts(parsed) : parsed;
  return isLangChainText(text) ? fromLangChain(items) : items;
}

/** Whether these are choices without what a body has around them. */
function areAnswers(parsed: unknown): boolean {
  return Array.isArray(parsed) && parsed.length > 0 && parsed.every((item) => isObject(item) && holdsAnswer(item));
}

/** Reads parameters and tools of a request. */
export function readRequest(request: Fields): Reading {
  const body = withConfig(withParameterNames(withKnownNames(request)));
  return addTo(readRequestParameters(body), { tools: toModelTools(body['tools'] ?? body['functions']) });
}

/**
 * Reads the answer from text, a message, or a response body that contains one. Any other list or object is the answer's text, as
 * it was recorded: `recordedText`, if it is known.
 */
export function readAnswer(
  recorded: unknown,
  reader: MessageReader,
  outputTokens?: number,
  recordedText?: string,
): Reading {
  if (recorded === undefined || recorded === null) return {};
  const joined = joinChunks(recorded);
  const opened = fromRareAnswer(joined);
  const picture = imageAnswerOf(opened);
  if (picture) {
    const { revisedPrompt: revised_prompt, ...message } = picture;
    const [outputMessage] = reader.readOutput(message);
    return { outputMessage, contentMetadata: unlessEmpty({ revised_prompt }) };
  }
  const holdsMessage = isAnswer(opened);
  const value = holdsMessage ? opened : joined;
  const text = value === recorded && recordedText !== undefined ? recordedText : toText(value);
  const answers = reader.readOutput(holdsMessage ? value : { role: 'assistant', content: [{ type: 'text', text }] });
  // What a tool answered separates the turns around it.
  const areItems = Array.isArray(value) && !areChoices(value);
  const choices = (areItems ? joinItems(answers) : answers).filter(({ role }) => role === 'assistant');
  const [outputMessage, ...others] = choices;
  const output = messageText(outputMessage);
  // All of it may be the text of the message: then it is JSON that the model said.
  const hasNames = holdsMessage && output !== text;
  const finishReason = hasNames ? finishReasonOf(value) : undefined;
  if (isLostAnswer(outputMessage, finishReason, outputTokens)) return omitUndefined<Reading>({ finishReason });
  return omitUndefined<Reading>({
    outputMessage,
    output,
    finishReason,
    // A message of LangChain has the id of its run, and JSON that a model said one of its own.
    callId: hasNames && isObject(value) && !isMessageInOtherSpelling(value) ? nameOf(value['id']) : undefined,
    contentMetadata: others.length > 0 ? { choices: others } : undefined,
  });
}

/** Whether this is the answer of a provider or framework, and not JSON that the model has written. */
export function isAnswer(value: unknown, depth = 0): boolean {
  if (Array.isArray(value)) {
    return value.every((item) => item === null || isMessageOrPart(item)) && value.some(isKnownItem);
  }
  if (!isObject(value)) return false;
  return (
    isAnswerMessage(value) ||
    isMessageInOtherSpelling(value) ||
    holdsAnswer(value) ||
    isCandidate(value) ||
    listsAnswers(value) ||
    (depth < MAX_DEPTH && ANSWER_KEYS.some((key) => isObject(value[key]) && isAnswer(value[key], depth + 1)))
  );
}

/** Whether this is the body of Ollama or Cohere, `{ message: { role, … } }`, or of Bedrock, `{ output: { message } }`. */
export function holdsAnswer({ message, output }: Fields): boolean {
  if (isObject(message)) return typeof message['role'] === 'string' && toRole(message['role']) === 'assistant';
  return isObject(output) && isObject(output['message']) && typeof output['message']['role'] === 'string';
}

/** Whether this is one of Gemini's candidates outside of their list, and no event or piece of an answer in Google's ADK. */
function isCandidate({ content, author, partial }: Fields): boolean {
  if (author !== undefined || partial === true) return false;
  return isObject(content) && content['role'] === 'model' && Array.isArray(content['parts']);
}

function isMessageOrPart(value: unknown): boolean {
  return isObject(value) && (typeof value['role'] === 'string' || typeof value['type'] === 'string' || isAnswer(value));
}

/** Items of types yet to come stand beside others. */
function isKnownItem(value: unknown): boolean {
  // A field of a form has this type, too.
  if (isObject(value) && value['type'] === 'text' && !('text' in value || 'content' in value)) return false;
  return isKnownPart(value) || isAnswer(value) || (isObject(value) && isProviderPart(value)) || isFragment(value);
}

/**
 * Returns what an agent of Google's ADK says in its last event, `{ invocation_id, author, content: { role, parts }, … }`, one of
 * Agno in the record of its run, `{ run_id, content, content_type: 'str', … }`, or one of AutoGen in its answer,
 * `{ chat_message: { type: 'TextMessage', source, content }, inner_messages }`, or CrewAI's result, `{ raw, tasks_output, … }`. Other
 * objects are an app's own, however alike.
 */
export function textOfEvent(event: Fields): string | undefined {
  const { content, content_type: type, chat_message: message } = event;
  if (type === 'str') return typeof event['run_id'] === 'string' ? stringOf(content) : undefined;
  if (isObject(message)) return isAutoGenAnswer(event, message) ? stringOf(message['content']) : undefined;
  if (isCrewOutput(event)) return stringOf(event['raw']);
  const isAdkEvent = typeof (event['invocation_id'] ?? event['invocationId']) === 'string';
  if (!isAdkEvent || typeof event['author'] !== 'string') return undefined;
  if (!isObject(content) || !Array.isArray(content['parts'])) return undefined;
  const [said, ...others] = new MessageReader().readOutput(content);
  // A text cannot have the calls beside it.
  return said?.tool_calls || others.length > 0 ? undefined : messageText(said);
}

/** What a crew of CrewAI returns, or one of its tasks. */
function isCrewOutput({ raw, tasks_output: tasks, token_usage: usage, agent, output_format: format }: Fields): boolean {
  if (typeof raw !== 'string') return false;
  if (Array.isArray(tasks)) return usage !== undefined;
  return typeof agent === 'string' && typeof format === 'string' && CREW_FORMAT.test(format);
}

const CREW_FORMAT = /^(?:OutputFormat\.)?(?:raw|json|pydantic)$/i;

function isAutoGenAnswer(answer: Fields, { source, type }: Fields): boolean {
  const isNamed = typeof type === 'string' && type.endsWith('Message');
  return typeof source === 'string' && (isNamed || 'inner_messages' in answer);
}

/**
 * Returns a framework step's result as text. Strings pass through, an object whose only key is one of `wrappers` is
 * unwrapped, and anything else becomes JSON.
 */
export function toStepOutput(value: unknown, ...wrappers: readonly string[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  const state = textOfState(value);
  if (state !== undefined) return state;
  const documents = printedDocumentsIn(value);
  if (documents) return toText(documents);
  if (typeof value === 'string') return toText(jsonInQuotes(value) ?? value);
  if (isObject(value)) {
    const said = textOfEvent(value);
    if (said !== undefined) return said;
    const keys = Object.keys(value);
    const only = keys[0];
    if (keys.length === 1 && only !== undefined && wrappers.includes(only)) return toStepOutput(value[only]);
  }
  return toText(value);
}

/** JSON that was encoded twice is the JSON that the step returned. Any other text in quotes may be a quotation. */
function jsonInQuotes(text: string): string | undefined {
  const inner = text.startsWith('"') && startsStructure(text) ? unquotedText(text) : undefined;
  return typeof jsonOf(inner) === 'object' ? inner : undefined;
}
