/** Where the raw answer of a provider or a framework says what it has used. */
import { isObject } from '../../wire/json.ts';
import { usageObjectOf } from '../values/usage-object.ts';
import { answerBodyIn } from './messages/envelopes.ts';
import { isStored } from './messages/message-fields.ts';
import { isAboutReply, nodeIn, printedMessageIn, responseOfEvent } from './messages/rare-answers.ts';
import { eventsInTexts, joinChunks, streamIn, yieldedIn } from './streams/stream-chunks.ts';

/**
 * Finds the usage in an answer of a provider, of LangChain (also in its camel case), or in a list of one. Ollama's is in
 * the answer itself, and that of Cohere's first API in `meta`.
 */
export function usageIn(answer: unknown): Record<string, unknown> | undefined {
  const found = answerBodyIn(typeof answer === 'string' ? bodyInStream(answer) : bodyIn(answer));
  const recorded: unknown = Array.isArray(found) && found.length === 1 ? found[0] : found;
  if (!isObject(recorded)) return undefined;
  const body = responseOfEvent(recorded) ?? nodeIn(recorded) ?? recorded;
  const output = body['llm_output'] ?? body['llmOutput'];
  const usage =
    body['usage'] ??
    body['usageMetadata'] ??
    body['usage_metadata'] ??
    (Array.isArray(body['messages']) ? body['usage_details'] : undefined) ??
    (isServers(body) ? body : undefined) ??
    (isObject(body['raw']) && isObject(body['message']) ? body['raw']['usage'] : undefined) ??
    usageOfMessage(body) ??
    usageOfText(body) ??
    (isObject(body['meta']) ? body['meta'] : undefined) ??
    (isObject(output) ? unlessEmptyObject(output['token_usage'] ?? output['tokenUsage']) : undefined) ??
    usageOfGeneration(body['generations']) ??
    usageOfReply(body);
  const known = usageObjectOf(usage);
  return known && withPrices(known);
}

/** Ollama and llama.cpp have it in the answer itself. */
function isServers({
  eval_count: ollama,
  tokens_predicted: llamaCpp,
  content,
  stop,
}: Record<string, unknown>): boolean {
  return ollama !== undefined || (llamaCpp !== undefined && typeof content === 'string' && typeof stop === 'boolean');
}

/** LangChain's message, serialised or stored. */
function usageOfMessage(message: Record<string, unknown>): unknown {
  const { lc, kwargs, data } = message;
  const fields = lc === undefined ? isStored(message) && data : kwargs;
  return isObject(fields) ? (fields['usage_metadata'] ?? fields['usageMetadata']) : undefined;
}

/** Dify's, in any currency; one whose prices it does not know is for nothing. */
function withPrices(usage: Record<string, unknown>): Record<string, unknown> {
  const { total_price, prompt_price, completion_price, currency } = usage;
  if (total_price === undefined || currency !== 'USD' || !(Number(total_price) > 0)) return usage;
  const cost = { input_tokens_cost: prompt_price, output_tokens_cost: completion_price, total_cost: total_price };
  return { ...usage, cost };
}

/** Answers that are a text have it beside that: Llama's on Bedrock, Titan's and Watsonx's in a result, Replicate's in its metrics. */
function usageOfText(body: Record<string, unknown>): unknown {
  const { generation_token_count: llama, prompt_token_count: prompt, results, metrics } = body;
  if (llama !== undefined) return { input_tokens: prompt, output_tokens: llama };
  if (isObject(metrics) && isObject(body['urls']) && metrics['output_token_count'] !== undefined) return metrics;
  const first: unknown = Array.isArray(results) ? results[0] : undefined;
  if (!isObject(first) || (body['inputTextTokenCount'] ?? body['model_id']) === undefined) return undefined;
  const { tokenCount, generated_token_count: generated = tokenCount, input_token_count: input } = first;
  return generated === undefined
    ? undefined
    : { input_tokens: body['inputTextTokenCount'] ?? input, output_tokens: generated };
}

/** LangChain writes `{}` for what was streamed. */
function unlessEmptyObject(usage: unknown): unknown {
  return isObject(usage) && Object.keys(usage).length === 0 ? undefined : usage;
}

function bodyInStream(text: string): unknown {
  const stream = streamIn(text);
  return stream && bodyInPieces(stream.events, stream.answer);
}

/** A list has the answer alone, or the pieces that it was streamed in. */
function bodyIn(answer: unknown): unknown {
  const list = Array.isArray(answer) ? answer : yieldedIn(answer);
  if (!list) return answer;
  if (list.length === 1) return answerBodyIn(list);
  const events = eventsInTexts(list) ?? list;
  const joined = joinChunks(events);
  return joined === events ? undefined : bodyInPieces(events, joined);
}

/** One of the last pieces says what all have used. */
function bodyInPieces(pieces: readonly unknown[], joined: unknown): unknown {
  return Array.isArray(joined) ? pieces.findLast((piece) => isObject(piece) && hasUsage(piece)) : joined;
}

function hasUsage({ usage, usage_metadata: ofPython, usageMetadata = ofPython }: Record<string, unknown>): boolean {
  return isObject(usage ?? usageMetadata);
}

/** Newer releases of LangChain have it in the message, which may be serialised. */
function usageOfGeneration(generations: unknown): unknown {
  const first = Array.isArray(generations) && Array.isArray(generations[0]) ? generations[0][0] : undefined;
  const message = isObject(first) ? first['message'] : undefined;
  if (!isObject(message)) return undefined;
  const [fields = message] = [message['kwargs'], message['data']].filter(isObject);
  return fields['usage_metadata'] ?? fields['usageMetadata'];
}

/** Haystack's generators have it in the first reply, or beside the replies. */
function usageOfReply({ replies, meta }: Record<string, unknown>): unknown {
  const reply: unknown = Array.isArray(replies) ? replies[0] : undefined;
  const first = printedMessageIn(reply) ?? reply;
  const ofReply = isObject(first) ? (first['meta'] ?? first['_meta']) : Array.isArray(meta) ? meta[0] : undefined;
  return first !== undefined && isAboutReply(ofReply) ? ofReply['usage'] : undefined;
}
