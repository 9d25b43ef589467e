/** The short way of the AI SDK, versions 4 to 6: calls, runs and tools. Version 7 writes the GenAI conventions. */
import { keepShape } from '../../../host/keep-shape.ts';
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { addCall, findMessages, fits, type MessageShape } from '../../content/messages/message-texts.ts';
import { answerPieces } from '../../content/parts/answer-pieces.ts';
import { mayHoldToolMessage } from '../../content/parts/tool-result.ts';
import {
  isAny,
  isCount,
  isInteger,
  isModelName,
  isName,
  isNumber,
  isPlainSpan,
  isReason,
  isShortKind,
  isString,
  isText,
  isTextList,
  objectText,
  type PlainFields,
  RememberedTexts,
  ShortReading,
  ShortTable,
  toolsText,
} from '../../short-way.ts';
import { addTo } from '../../values/attributes.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import { parseWithin } from '../../values/json/text-weight.ts';
import { DOUBTS } from '../gen-ai/short-way.ts';
import { readAppAttributes, readTools } from './parameters.ts';
import { detailsInProviderMetadata, hasEntries, serviceTierIn } from './usage.ts';

const SHAPE: MessageShape = {
  parts: ',"content":[',
  text: '{"type":"text","text":"',
  content: ',"content":"',
  call: { type: 'tool-call', id: 'toolCallId', keys: new Set(['toolCallId', 'toolName', 'input', 'args']) },
  result: { type: 'tool-result', id: 'toolCallId', keys: new Set(['toolCallId', 'toolName', 'output', 'result']) },
};
/** A call of the answer, which is listed beside its text. */
const ANSWER_CALL = { ...SHAPE.call, keys: new Set([...SHAPE.call.keys, 'toolCallType']) };

class VercelAiReading extends ShortReading {
  functionId: string | undefined = undefined;
  resourceName: string | undefined = undefined;
  prompt: string | undefined = undefined;
  promptMessages: string | undefined = undefined;
  promptTools: unknown = undefined;
  toolChoice: string | undefined = undefined;
  answer: string | undefined = undefined;
  answerCalls: string | undefined = undefined;
  reasoning: string | undefined = undefined;
  finishWord: string | undefined = undefined;
  finishReasons: unknown = undefined;
  providerMetadata: string | undefined = undefined;
  timestamp: string | undefined = undefined;
  millisToFirstChunk: number | undefined = undefined;
  millisToFinish: number | undefined = undefined;
  tokensPerSecond: number | undefined = undefined;
  toolName: string | undefined = undefined;
  toolArguments: string | undefined = undefined;
  toolResult: string | undefined = undefined;
}

keepShape(new VercelAiReading('', 'model'));

const TABLE = new ShortTable<VercelAiReading>(
  {
    'ai.operationId': 'ignored',
    'ai.prompt.format': 'ignored',
    'ai.telemetry.functionId': ['functionId', isText],
    'resource.name': ['resourceName', isText],
    'ai.model.id': ['model', isModelName],
    'gen_ai.request.model': ['model', isModelName],
    'ai.model.provider': ['provider', isName],
    'gen_ai.system': ['provider', isName],
    'ai.settings.maxOutputTokens': ['maxTokens', isCount],
    'ai.settings.maxTokens': ['maxTokens', isCount],
    'gen_ai.request.max_tokens': ['maxTokens', isCount],
    'ai.settings.temperature': ['temperature', isNumber],
    'gen_ai.request.temperature': ['temperature', isNumber],
    'ai.settings.topP': ['topP', isNumber],
    'gen_ai.request.top_p': ['topP', isNumber],
    'ai.settings.topK': ['topK', isNumber],
    'gen_ai.request.top_k': ['topK', isNumber],
    'ai.settings.presencePenalty': ['presencePenalty', isNumber],
    'gen_ai.request.presence_penalty': ['presencePenalty', isNumber],
    'ai.settings.frequencyPenalty': ['frequencyPenalty', isNumber],
    'gen_ai.request.frequency_penalty': ['frequencyPenalty', isNumber],
    'ai.settings.seed': ['seed', isInteger],
    'ai.settings.stopSequences': ['stop', isTextList],
    'gen_ai.request.stop_sequences': ['stop', isTextList],
    'ai.prompt': ['prompt', isString],
    'ai.prompt.messages': ['promptMessages', isString],
    'ai.prompt.tools': ['promptTools', isTextList],
    'ai.prompt.toolChoice': ['toolChoice', isText],
    'ai.response.text': ['answer', isString],
    'ai.response.toolCalls': ['answerCalls', isString],
    'ai.response.reasoning': ['reasoning', isText],
    'ai.response.finishReason': ['finishWord', isReason],
    'gen_ai.response.finish_reasons': ['finishReasons', isAny],
    'ai.response.id': ['responseId', isName],
    'gen_ai.response.id': ['responseId', isName],
    'ai.response.model': ['responseModel', isModelName],
    'gen_ai.response.model': ['responseModel', isModelName],
    'ai.response.timestamp': ['timestamp', isText],
    'ai.response.providerMetadata': ['providerMetadata', isText],
    'ai.response.msToFirstChunk': ['millisToFirstChunk', isNumber],
    'ai.response.msToFinish': ['millisToFinish', isNumber],
    'ai.response.avgOutputTokensPerSecond': ['tokensPerSecond', isNumber],
    'ai.response.avgCompletionTokensPerSecond': ['tokensPerSecond', isNumber],
    'ai.usage.inputTokens': ['promptTokens', isCount],
    'ai.usage.promptTokens': ['promptTokens', isCount],
    'gen_ai.usage.input_tokens': ['promptTokens', isCount],
    'ai.usage.outputTokens': ['outputTokens', isCount],
    'ai.usage.completionTokens': ['outputTokens', isCount],
    'gen_ai.usage.output_tokens': ['outputTokens', isCount],
    'ai.usage.totalTokens': ['totalTokens', isCount],
    'ai.usage.cachedInputTokens': ['cacheReadTokens', isCount],
    'ai.usage.inputTokenDetails.cacheReadTokens': ['cacheReadTokens', isCount],
    'ai.usage.inputTokenDetails.cacheWriteTokens': ['cacheWriteTokens', isCount],
    'ai.usage.inputTokenDetails.noCacheTokens': 'ignored',
    'ai.usage.reasoningTokens': ['reasoningTokens', isCount],
    'ai.usage.outputTokenDetails.reasoningTokens': ['reasoningTokens', isCount],
    'ai.usage.outputTokenDetails.textTokens': 'ignored',
    'ai.toolCall.name': ['toolName', isName],
    'ai.toolCall.id': ['toolCallId', isName],
    'ai.toolCall.args': ['toolArguments', isString],
    'ai.toolCall.result': ['toolResult', isText],
  },
  new RegExp(DOUBTS.source.replace('|ai|', '|ai(?!\\.request\\.headers\\.)|')),
  /^ai\.(settings|telemetry\.metadata)\./,
);

/** Of the others, some ask for an object and have its schema, and some are no calls. */
const KNOWN_OPERATION = /^ai\.(?:toolCall|(?:generate|stream)Text(?:\.do(?:Generate|Stream))?)$/;

/** `operation` is what the span is by its own attributes or its name. */
export function readVercelAiShort(span: SpanSlice, kind: string, operation: string): ShortReading | undefined {
  if (!isShortKind(kind) || !KNOWN_OPERATION.test(operation) || !isPlainSpan(span)) return undefined;
  const reading = new VercelAiReading('vercel-ai', kind);
  if (!TABLE.read(span, reading) || !readMetadata(reading, span)) return undefined;
  const isKnown = kind === 'tool' ? readTool(reading) : readParameters(reading, span) && readConversation(reading);
  return isKnown ? reading : undefined;
}

/** Adds also the settings without a field of their own. */
function readMetadata(reading: VercelAiReading, span: SpanSlice): boolean {
  const { kind, collected, providerMetadata, reasoning, topK } = reading;
  if (collected !== undefined) {
    const { settings, context } = readAppAttributes({ attributes: span.attributes, keys: collected });
    if (kind !== 'tool') reading.other = settings;
    reading.contentMetadata = context;
  }
  if (topK !== undefined && kind !== 'tool') {
    reading.other = addTo<PlainFields>(reading.other ?? {}, { top_k: topK });
    reading.topK = undefined;
  }
  const metadata: PlainFields = {};
  reading.metadata = addTo(metadata, {
    function_id: reading.functionId,
    response_timestamp: reading.timestamp,
    time_to_first_chunk_ms: reading.millisToFirstChunk,
    time_to_finish_ms: reading.millisToFinish,
    output_tokens_per_second: reading.tokensPerSecond,
  });
  const reason = toFinishReason(reading.finishWord ?? reading.finishReasons);
  reading.finishReason = reason;
  if (reason === 'error') return false;
  if (reasoning !== undefined) {
    if (kind === 'tool' || reasoning.startsWith('[')) return false;
    reading.contentMetadata = addTo<PlainFields>(reading.contentMetadata ?? {}, { reasoning });
  }
  return providerMetadata === undefined || readProviderMetadata(reading, providerMetadata);
}

/** It is the same for most calls of some providers. */
const rememberedProviders = new RememberedTexts<PlainFields>();

function toPlain(json: string): PlainFields | undefined {
  const parsed = parseWithin(json);
  return isObject(parsed) ? toPlainObject(parsed) : undefined;
}

function readProviderMetadata(reading: VercelAiReading, json: string): boolean {
  const provider = rememberedProviders.get(json, toPlain);
  if (provider === undefined) return false;
  const { cache_read_tokens, cache_write_tokens, reasoning_tokens, ...more } = detailsInProviderMetadata(provider);
  for (const _detail in more) return false;
  reading.cacheReadTokens ??= cache_read_tokens;
  reading.cacheWriteTokens ??= cache_write_tokens;
  reading.reasoningTokens ??= reasoning_tokens;
  addTo(reading.metadata as PlainFields, { service_tier: serviceTierIn(provider) });
  if (!hasEntries(provider)) return true;
  reading.contentMetadata = addTo<PlainFields>(reading.contentMetadata ?? {}, { provider_metadata: provider });
  return true;
}

const rememberedTools = new RememberedTexts<string>();
const rememberedChoices = new RememberedTexts<PlainFields>();

function readParameters(reading: VercelAiReading, span: SpanSlice): boolean {
  const { kind, model, provider, promptTools, toolChoice } = reading;
  if (kind === 'model' && model === undefined) return false;
  // OpenAI's legacy completion API.
  if (provider?.endsWith('.completion')) return false;
  if (promptTools !== undefined) {
    if (kind !== 'model') return false;
    reading.tools = rememberedTools.get(textOfAll(promptTools as string[]), () => toolsText(span, readTools));
    if (reading.tools === undefined) return false;
  }
  if (toolChoice === undefined) return true;
  const choice = rememberedChoices.get(toolChoice, toPlain);
  if (choice === undefined) return false;
  reading.other = addTo<PlainFields>(reading.other ?? {}, { tool_choice: choice });
  return true;
}

/** Returns another text for each list of texts. */
function textOfAll(texts: readonly string[]): string {
  return `${texts.map((text) => text.length)}:${texts.join('')}`;
}

function readConversation(reading: VercelAiReading): boolean {
  const { kind, prompt, promptMessages, answer } = reading;
  if (reading.toolName !== undefined || reading.toolArguments !== undefined || reading.toolResult !== undefined) {
    return false;
  }
  if (kind === 'agent') {
    reading.name = reading.functionId ?? reading.resourceName;
    if (reading.name !== undefined && !isName(reading.name)) return false;
    if (promptMessages !== undefined) return false;
    if (prompt !== undefined) {
      reading.inputs = objectText(prompt);
      if (reading.inputs === undefined) return false;
    }
  } else {
    if (prompt !== undefined) return false;
    const found = promptMessages === undefined ? undefined : findMessages(promptMessages, SHAPE);
    if (promptMessages !== undefined && !found) return false;
    reading.messages = found?.pieces;
  }
  let calls = callsText(reading.answerCalls);
  if (calls === undefined) return false;
  // Some versions list the calls of earlier steps.
  if (kind === 'agent' && calls !== '' && answer && reading.finishWord !== 'tool-calls') calls = '';
  if (calls !== '' && reading.finishReason !== 'tool_calls' && mayRunTools(reading.promptTools)) return false;
  reading.outputMessage = answerPieces(answer, calls);
  return reading.outputMessage !== undefined || (answer === undefined && calls === '');
}

/** Whether the provider may have run a call itself. */
function mayRunTools(tools: unknown): boolean {
  return Array.isArray(tools) && tools.some((tool) => typeof tool === 'string' && tool.includes('"provider'));
}

/** Returns the JSON of the calls, without the brackets of the list; undefined if there is any doubt. */
function callsText(json: string | undefined): string | undefined {
  if (json === undefined) return '';
  const list = parseWithin(json);
  if (!Array.isArray(list)) return undefined;
  let calls: string | undefined = '';
  for (const item of list) {
    if (!isObject(item)) return undefined;
    const call: PlainFields = addTo<PlainFields>({ ...item }, { type: SHAPE.call.type });
    calls = fits(call, ANSWER_CALL) ? addCall(calls, call) : undefined;
    if (calls === undefined) return undefined;
  }
  return calls;
}

function readTool(reading: VercelAiReading): boolean {
  const { toolName, toolArguments, toolResult, promptTokens, outputTokens, totalTokens } = reading;
  if (reading.answer !== undefined || reading.answerCalls !== undefined) return false;
  if (promptTokens !== undefined || outputTokens !== undefined || totalTokens !== undefined) return false;
  reading.name = toolName;
  if (toolArguments !== undefined) {
    reading.inputs = objectText(toolArguments);
    if (reading.inputs === undefined) return false;
  }
  reading.output = toolResult;
  return toolResult === undefined || (!toolResult.startsWith('"') && !mayHoldToolMessage(toolResult));
}
