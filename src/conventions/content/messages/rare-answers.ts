/**
 * Bodies of answers in shapes that one provider has → a message with its reason, as the readers of messages know it. Each is
 * known by fields that nobody else has together: any other object is what it is.
 *
 * - Gemini's of a prompt that it has blocked, which has no candidates
 * - Mistral's conversations, whose outputs are entries
 * - transcripts of Whisper, answers of Rust's `genai`
 * - Bedrock's Titan, Llama and Mistral, Cohere's and AI21's first APIs, PaLM, Watsonx, Hugging Face and Replicate, whose
 *   answers are texts
 * - replies of Haystack's generators, each a text or a message, with `meta` for each
 * - outputs of a node of Dify's workflows that calls a model
 * - what ends a turn of a realtime session: OpenAI's event `response.done`, and contents of Gemini's Live API
 */
import { isObject } from '../../../wire/json.ts';
import { numberOf } from '../../values/attributes.ts';
import { parsePythonLiteral } from '../../values/printed/python-literal.ts';
import { answerBodyIn } from './envelopes.ts';
import { fromSdkResult } from './sdk-results.ts';
import { toKnownSpelling } from './spellings.ts';

type Fields = Record<string, unknown>;

/** Returns any other value as it is. */
export function fromRareAnswer(value: unknown): unknown {
  const answer = answerBodyIn(value);
  const body: unknown = Array.isArray(answer) && answer.length === 1 ? answer[0] : answer;
  if (!isObject(body)) return value;
  return (
    fromBlockedPrompt(body) ??
    fromConversation(body) ??
    fromResults(body) ??
    fromText(body, value) ??
    fromListedTexts(body) ??
    fromReplies(body) ??
    fromNode(body) ??
    responseOfEvent(body) ??
    fromLiveContent(body) ??
    fromSdkResult(body) ??
    answer
  );
}

function fromBlockedPrompt({
  promptFeedback,
  prompt_feedback: feedback = promptFeedback,
  candidates,
}: Fields): Fields | undefined {
  if (!isObject(feedback) || (Array.isArray(candidates) && candidates.length > 0)) return undefined;
  const reason = feedback['blockReason'] ?? feedback['block_reason'];
  return typeof reason === 'string' ? { role: 'assistant', parts: [], finish_reason: reason } : undefined;
}

function fromConversation({ object, outputs }: Fields): Fields | undefined {
  return object === 'conversation.response' && Array.isArray(outputs) ? { output: outputs } : undefined;
}

/** Titan's `{ inputTextTokenCount, results: [{ outputText, completionReason }] }`, Watsonx's `{ model_id, results }`. */
function fromResults({ results, inputTextTokenCount: titan, model_id: watsonx }: Fields): Fields | undefined {
  const first: unknown = Array.isArray(results) ? results[0] : undefined;
  if (!isObject(first) || (titan ?? watsonx) === undefined) return undefined;
  const text = titan === undefined ? first['generated_text'] : first['outputText'];
  const reason = first['completionReason'] ?? first['stop_reason'];
  return typeof text === 'string' ? { role: 'assistant', content: text, finish_reason: reason } : undefined;
}

/**
 * Mistral's `{ outputs: [{ text, stop_reason }] }` on Bedrock, AI21's `{ completions: [{ data: { text }, finishReason }] }`, PaLM's
 * `{ candidates: [{ output, safetyRatings }] }`, and Cohere's `{ text, generation_id, finish_reason }`.
 */
function fromListedTexts({ outputs, completions, candidates, text, generation_id: id, ...body }: Fields) {
  if (typeof text === 'string' && typeof id === 'string' && 'finish_reason' in body) {
    return { role: 'assistant', content: text, finish_reason: body['finish_reason'] };
  }
  const first: unknown = [outputs, completions, candidates].find(Array.isArray)?.[0];
  if (!isObject(first)) return undefined;
  const { data, finishReason: reason } = first;
  if (outputs) return 'stop_reason' in first ? toText(first['text'], first['stop_reason']) : undefined;
  if (candidates) return Array.isArray(first['safetyRatings']) ? toText(first['output'], undefined) : undefined;
  return isObject(data) && isObject(reason) ? toText(data['text'], reason['reason']) : undefined;
}

function toText(text: unknown, reason: unknown): Fields | undefined {
  return typeof text === 'string' ? { role: 'assistant', content: text, finish_reason: reason } : undefined;
}

/** Llama's `{ generation, stop_reason }`, Hugging Face's `[{ generated_text }]`, Replicate's pieces of a text. */
function fromText(body: Fields, value: unknown): Fields | undefined {
  const { generation, stop_reason: reason, prompt_token_count: tokens, generated_text: generated, output } = body;
  if (typeof generation === 'string' && tokens !== undefined) {
    return { role: 'assistant', content: generation, finish_reason: reason };
  }
  if (typeof generated === 'string' && Array.isArray(value) && Object.keys(body).length === 1) {
    return { role: 'assistant', content: generated };
  }
  if (isTranscript(body)) return { role: 'assistant', content: body['text'] };
  // Rust's `genai`.
  if (isObject(body['model_iden']) && body['role'] === undefined)
    return { role: 'assistant', content: body['content'] };
  if (!Array.isArray(output) || output.length === 0 || !isReplicates(body)) return undefined;
  const isText = output.every((piece) => typeof piece === 'string');
  return isText ? { role: 'assistant', content: output.join('') } : undefined;
}

function isReplicates({ status, version, created_at: createdAt, urls, metrics }: Fields): boolean {
  const isDone = status === 'succeeded' && typeof version === 'string' && createdAt !== undefined;
  return isDone || (isObject(urls) && isObject(metrics));
}

/** Whisper's `{ task: 'transcribe', text, language, duration, segments }`. */
function isTranscript(body: Fields): boolean {
  const { task } = body;
  if (task !== 'transcribe' && task !== 'translate') return false;
  const { text, language, duration } = body;
  return typeof text === 'string' && typeof language === 'string' && numberOf(duration) !== undefined;
}

function fromNode(body: Fields): Fields | undefined {
  const node = nodeIn(body);
  if (!node) return undefined;
  const { text, finish_reason, reasoning_content } = node;
  return { role: 'assistant', content: text, finish_reason, ...(reasoning_content !== '' && { reasoning_content }) };
}

/**
 * Returns what a node of Dify's has returned, `{ text, usage: { prompt_tokens, total_price, currency, … }, finish_reason, files }`,
 * also below the only key, as LangSmith has it.
 */
export function nodeIn(body: Fields): Fields | undefined {
  const { outputs, output = outputs } = body;
  const node = isObject(output) && Object.keys(body).length === 1 ? output : body;
  const { text, usage } = node;
  return typeof text === 'string' && isObject(usage) && 'total_price' in usage ? node : undefined;
}

/** `{ replies: ['Oslo.'], meta: [{ model, finish_reason }] }`, or `{ replies: [{ role, content, meta }] }`. */
function fromReplies({ replies, meta }: Fields): Fields | undefined {
  if (!Array.isArray(replies) || replies.length === 0) return undefined;
  const metas: unknown[] = Array.isArray(meta) ? meta : [];
  const choices = replies.map((reply: unknown, index) => {
    const message = toKnownSpelling(printedMessageIn(reply) ?? reply);
    const isText = typeof message === 'string';
    const about = isText ? metas[index] : isObject(message) && message['role'] === 'assistant' && message['meta'];
    if (!isAboutReply(about)) return undefined;
    const said = isText ? { role: 'assistant', content: message } : message;
    return { index, message: said, finish_reason: about['finish_reason'] };
  });
  return choices.includes(undefined) ? undefined : { choices };
}

/** What Haystack tells of a reply. The app's own answer may have replies too, and say something about them. */
export function isAboutReply(meta: unknown): meta is Fields {
  return isObject(meta) && typeof meta['model'] === 'string' && ('finish_reason' in meta || 'usage' in meta);
}

/** Returns the message in a reply that Python has printed. */
export function printedMessageIn(reply: unknown): unknown {
  return typeof reply === 'string' && reply.startsWith('ChatMessage(') ? parsePythonLiteral(reply) : undefined;
}

/** Returns the answer in the event that ends it: `{ type: 'response.done', response }`. One that failed says so itself. */
export function responseOfEvent({ type, response }: Fields): Fields | undefined {
  const isEnd = type === 'response.done' || type === 'response.completed' || type === 'response.incomplete';
  if (!isEnd || !isObject(response)) return undefined;
  const { output, status } = response;
  if (!Array.isArray(output) || !output.every(isObject)) return undefined;
  return output.length > 0 || status !== 'failed' ? response : undefined;
}

/**
 * `{ serverContent: { modelTurn: { parts }, outputTranscription: { text } } }`: what is heard may be told as text, beside parts
 * that are none of the sound.
 */
function fromLiveContent({ serverContent, server_content: content = serverContent }: Fields): Fields | undefined {
  if (!isObject(content)) return undefined;
  const { modelTurn, model_turn: turn = modelTurn, outputTranscription } = content;
  const { output_transcription: heard = outputTranscription } = content;
  const parts: unknown[] = isObject(turn) && Array.isArray(turn['parts']) ? turn['parts'] : [];
  const text = isObject(heard) && typeof heard['text'] === 'string' ? heard['text'] : undefined;
  if (text === undefined) return parts.length > 0 ? { role: 'assistant', parts } : undefined;
  return { role: 'assistant', parts: [...parts.filter((part) => !isSound(part)), { text }] };
}

function isSound(part: unknown): boolean {
  return isObject(part) && (part['inlineData'] ?? part['inline_data']) !== undefined;
}
