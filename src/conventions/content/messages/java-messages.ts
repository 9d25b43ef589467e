/**
 * Reads messages as Java prints them: Spring AI's `UserMessage{content='Hi', …}`, LangChain4j's
 * `UserMessage { name = null contents = [TextContent { text = "Hi" }] }`.
 *
 * Java escapes nothing, so a text ends where the rest of its message follows. A text with anything else between its
 * messages is not read at all: half of a conversation would be wrong.
 */
import { omitUndefined } from '../../values/attributes.ts';
import { callsIn, requestsIn } from '../../values/printed/java-answers.ts';

type Fields = Record<string, unknown>;

interface Printed {
  readonly pattern: RegExp;
  readonly toMessage: (...groups: (string | undefined)[]) => Fields;
}

/** What follows a message. */
const END = String.raw`(?=\s*(?:,\s*\w+Message\b|\]|$))`;
const TEXT = String.raw`([\s\S]*?)`;
/** Bounded, since it is tried wherever a text might end. */
const MAP = String.raw`\{[^}]{0,2000}\}`;
/** Up to the first of these words: several texts with any end would take quadratic time. */
const upTo = (end: string) => String.raw`((?:(?!${end})[\s\S])*)`;
/** How a content of a LangChain4j message begins: anything else is words of the one before it. */
const CONTENT_START = String.raw`(?:Text|Image|Audio|Video|PdfFile)Content \{ \w+ = (?:"|\w+ \{)`;

const PRINTED: readonly Printed[] = [
  printed(String.raw`SystemMessage\{textContent='${TEXT}', messageType=SYSTEM(?:, metadata=${MAP})?\}`, toSystem),
  printed(String.raw`UserMessage\{content='${TEXT}', (?:(?:properties|metadata)=${MAP}, )?messageType=USER\}`, toUser),
  printed(
    String.raw`AssistantMessage \[messageType=ASSISTANT, toolCalls=\[${upTo(String.raw`\], textContent=`)}\], textContent=${upTo(', metadata=')}, metadata=\{[\s\S]*?\}\]`,
    (calls, content) => ({ role: 'assistant', content: content === 'null' ? '' : content, tool_calls: callsIn(calls) }),
  ),
  printed(
    String.raw`ToolResponseMessage\{responses=\[${TEXT}\], messageType=TOOL(?:, metadata=${MAP})?\}`,
    (responses) => ({ role: 'tool', content: responsesIn(responses) }),
  ),
  printed(String.raw`SystemMessage \{ text = "${TEXT}" \}`, toSystem),
  printed(
    String.raw`UserMessage \{ name = (?:null|"[^"]*"),? contents = \[((?:${CONTENT_START}[\s\S]*? \})?)\](?:,? attributes = ${MAP})? \}`,
    (contents) => ({ role: 'user', content: contentsIn(contents) }),
  ),
  printed(
    String.raw`AiMessage \{ text = (?:null|"${upTo('",? (?:thinking|toolExecutionRequests) = ')}")(?:,? thinking = (?:null|"${upTo('",? toolExecutionRequests = ')}"))?,? toolExecutionRequests = (?:null|\[${TEXT}\])(?:,? attributes = ${MAP})? \}`,
    (content = '', _thinking, requests) => ({ role: 'assistant', content, tool_calls: requestsIn(requests) }),
  ),
  printed(
    String.raw`ToolExecutionResultMessage \{ id = "([^"]*)",? toolName = "([^"]*)",? (?:isError = \w+,? )?text = "${TEXT}"(?:,? isError = \w+)?(?:,? attributes = ${MAP})? \}`,
    (id, name, content) => ({ role: 'tool', tool_call_id: id, name, content }),
  ),
];

const START = /^\[?(?:System|User|Assistant|ToolResponse|Ai|ToolExecutionResult)Message(?:\{| \{ | \[)/;
const SEPARATOR = /\s*,\s*/y;

/** Whether a text may be messages. It looks at the beginning only. */
export function mayBeJavaMessages(text: string): boolean {
  return START.test(text);
}

/**
 * Opens a message whose content is the whole message as Java prints it, of the same role. Calls and ids that the message
 * has stay.
 */
export function openJavaMessage(message: Fields): Fields {
  const { content, role } = message;
  if (typeof content !== 'string' || !mayBeJavaMessages(content)) return message;
  const [printed, ...others] = javaMessagesIn(content) ?? [];
  if (printed?.['role'] !== role || others.length > 0) return message;
  return { ...printed, ...omitUndefined({ ...message, content: printed?.['content'] }) };
}

/** Returns the messages; undefined if the text is anything else. */
export function javaMessagesIn(text: string): Fields[] | undefined {
  if (!START.test(text)) return undefined;
  const isList = text.startsWith('[');
  const messages: Fields[] = [];
  let at = isList ? 1 : 0;
  do {
    const found = messageAt(text, at);
    if (!found) return undefined;
    messages.push(found.message);
    at = found.end;
    SEPARATOR.lastIndex = at;
    const separator = isList ? SEPARATOR.exec(text)?.[0] : undefined;
    if (separator === undefined) break;
    at += separator.length;
  } while (at < text.length);
  return text.slice(at).trim() === (isList ? ']' : '') ? messages : undefined;
}

function messageAt(text: string, at: number): { message: Fields; end: number } | undefined {
  for (const { pattern, toMessage } of PRINTED) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return { message: toMessage(...match.slice(1)), end: pattern.lastIndex };
  }
  return undefined;
}

function printed(source: string, toMessage: Printed['toMessage']): Printed {
  return { pattern: new RegExp(source + END, 'y'), toMessage };
}

function toSystem(content: string | undefined): Fields {
  return { role: 'system', content };
}

function toUser(content: string | undefined): Fields {
  return { role: 'user', content };
}

const RESPONSE = /ToolResponse\[id=([^,]*), name=([^,]*), responseData=([\s\S]*?)\](?=, ToolResponse\[|$)/g;

// Without its end, each beginning would be looked at to the end of the text.

const CONTENT = new RegExp(String.raw`(?=${CONTENT_START})(\w+)Content \{ ([\s\S]*?) \}(?=, ${CONTENT_START}|$)`, 'g');
const QUOTED = '(?:null|"([^"]*)")';
const PICTURE = new RegExp(
  String.raw`^image = Image \{ url = ${QUOTED}, base64Data = ${QUOTED}(?:, mimeType = ${QUOTED})?`,
);
const FILE_URL = new RegExp(String.raw`\burl = ${QUOTED}`);

/** Returns the text of the only content, and a list of blocks for others. */
function contentsIn(text = ''): unknown {
  if (text === '') return text;
  const blocks = [...text.matchAll(CONTENT)].map(([, type = '', fields = '']) => toBlock(type, fields));
  const [first, ...others] = blocks;
  return others.length === 0 && first?.['type'] === 'text' ? first['text'] : blocks;
}

function toBlock(type: string, fields: string): Fields {
  if (type === 'Text') return { type: 'text', text: fields.slice('text = "'.length, -1) };
  const [, url, data, mimeType = 'image/png'] = PICTURE.exec(fields) ?? [];
  if (type === 'Image') return { type: 'image', url: url ?? (data && `data:${mimeType};base64,${data}`) };
  return { type: 'file', modality: type.toLowerCase(), url: FILE_URL.exec(fields)?.[1] };
}

function responsesIn(text = ''): Fields[] {
  if (!text.endsWith(']')) return [];
  return [...text.matchAll(RESPONSE)].map(([, id, name, result]) => ({ type: 'tool_result', id, name, result }));
}
