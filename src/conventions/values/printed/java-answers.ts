/**
 * Reads answers as Spring AI and LangChain4j print them in Java, into the fields that their JSON has: `ChatResponse [metadata=…,
 * generations=[Generation[assistantMessage=AssistantMessage […]]]]`, `ChatResponse { aiMessage = AiMessage { text = "Hi", … }, … }`.
 *
 * Java escapes nothing: a text ends where the last field begins that can follow it.
 */
type Fields = Record<string, unknown>;

const START =
  /^(?:ChatResponse (?:\[metadata=|\{ aiMessage = AiMessage)|Response \{ content = AiMessage|Generation\[assistantMessage=|AiMessage \{ text = |AssistantMessage \[messageType=ASSISTANT,)/;

const LANGCHAIN4J = /^\w+ \{/;

/** Whether a text may be such an answer. It looks at the beginning only. */
export function mayBeJavaAnswer(text: string): boolean {
  return START.test(text);
}

/** Returns the answer; undefined if the text is anything else. Several answers of one call are left as they are. */
export function javaAnswerIn(text: string): Fields | undefined {
  if (!START.test(text)) return undefined;
  return LANGCHAIN4J.test(text) ? fromLangChain4j(text) : fromSpring(text);
}

function fromLangChain4j(text: string): Fields | undefined {
  const from = text.indexOf('AiMessage { ');
  const told = Math.max(text.lastIndexOf(' }, metadata = '), text.lastIndexOf(' }, tokenUsage = '));
  const isAlone = from === 0;
  if (!text.endsWith(isAlone ? ' }' : '}') || (!isAlone && told < from)) return undefined;
  const aiMessage = messageIn(text.slice(from, isAlone ? -2 : told));
  if (!aiMessage || isAlone) return aiMessage;
  const about = text.slice(told);
  const tokenUsage = {
    inputTokenCount: wordIn(about, /\binputTokenCount = (\d+)/),
    outputTokenCount: wordIn(about, /\boutputTokenCount = (\d+)/),
    totalTokenCount: wordIn(about, /\btotalTokenCount = (\d+)/),
  };
  const id = wordIn(about, /\bid='([^']*)'/);
  const modelName = wordIn(about, /\bmodelName='([^']*)'/);
  const finishReason = wordIn(about, /\bfinishReason ?= ?([A-Z_]+)/);
  return { aiMessage, metadata: { id, modelName, tokenUsage, finishReason } };
}

const REQUESTS = 'toolExecutionRequests = ';
const THINKING = ' thinking = ';

function messageIn(text: string): Fields | undefined {
  const at = text.lastIndexOf(REQUESTS);
  if (at < 0) return undefined;
  const said = text.slice('AiMessage { text = '.length, at).replace(/,? $/, '');
  const [words, thinking] = parted(said);
  const listed = text.slice(at + REQUESTS.length);
  const requests = listed.startsWith('null') ? '' : listed.slice(1, listed.lastIndexOf(']'));
  const toolExecutionRequests = requestsIn(requests);
  if (requests !== '' && toolExecutionRequests.length === 0) return undefined;
  return { text: unquoted(words), thinking: unquoted(thinking), toolExecutionRequests };
}

/** Newer releases say what the model thought, which may be nothing. */
function parted(said: string): [words: string, thinking: string] {
  const at = said.lastIndexOf(THINKING);
  const words = said.slice(0, at).replace(/,$/, '');
  const thinking = said.slice(at + THINKING.length);
  return at >= 0 && isValue(words) && isValue(thinking) ? [words, thinking] : [said, 'null'];
}

function isValue(text: string): boolean {
  return text === 'null' || (text.length > 1 && text.startsWith('"') && text.endsWith('"'));
}

function unquoted(text: string): string | null {
  return text === 'null' ? null : text.slice(1, -1);
}

const GENERATION = 'Generation[assistantMessage=';
const MESSAGE = 'AssistantMessage [messageType=ASSISTANT, toolCalls=[';
const CONTENT = '], textContent=';
const ABOUT = '], chatGenerationMetadata=';

function fromSpring(text: string): Fields | undefined {
  const from = text.indexOf(MESSAGE);
  const about = text.lastIndexOf(ABOUT);
  const content = text.indexOf(CONTENT, from);
  const end = text.lastIndexOf(', metadata=', about < 0 ? text.length : about);
  if (from < 0 || content < 0 || end < content || !text.endsWith(']') || countOf(text, GENERATION) > 1)
    return undefined;
  const calls = text.slice(from + MESSAGE.length, content);
  const toolCalls = callsIn(calls);
  if (calls !== '' && toolCalls.length === 0) return undefined;
  const words = text.slice(content + CONTENT.length, end);
  const output = { messageType: 'ASSISTANT', text: words === 'null' ? null : words, toolCalls };
  const finishReason = wordIn(text.slice(end), /\bfinishReason='?(\w+)/);
  const head = text.slice(0, from);
  const usage = {
    promptTokens: wordIn(head, /\bpromptTokens=(\d+)/),
    completionTokens: wordIn(head, /\bcompletionTokens=(\d+)/),
    totalTokens: wordIn(head, /\btotalTokens=(\d+)/),
  };
  return {
    results: [{ output, metadata: { finishReason } }],
    metadata: { id: wordIn(head, /\bid: ([^,\s]+)/), usage },
  };
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

function wordIn(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1];
}

const CALL = /ToolCall\[id=([^,]*), type=\w*, name=([^,]*), arguments=([\s\S]*?)\](?=, ToolCall\[|$)/g;
const REQUEST =
  /ToolExecutionRequest \{ id = (?:null|"([^"]*)"),? name = "([^"]*)",? arguments = "([\s\S]*?)" \}(?=,|$)/g;

/** Reads the calls in a list of Spring AI's. */
export function callsIn(text = ''): Fields[] {
  if (!text.endsWith(']')) return [];
  return [...text.matchAll(CALL)].map(([, id, name, input]) => ({ id, name, arguments: input }));
}

/** Reads the calls in a list of LangChain4j's. */
export function requestsIn(text = ''): Fields[] {
  if (!text.endsWith(' }')) return [];
  return [...text.matchAll(REQUEST)].map(([, id, name, input]) => ({ id, name, arguments: input }));
}
