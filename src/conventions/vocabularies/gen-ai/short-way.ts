/** The short way of the GenAI conventions: calls, tools and agents with their content in attributes, as JSON. */
import { keepShape } from '../../../host/keep-shape.ts';
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isNumberedReason, toFinishReason } from '../../content/messages/finish-reason.ts';
import { findInstructions, findMessages, type MessageShape } from '../../content/messages/message-texts.ts';
import { modelToolsAt } from '../../content/model-tools.ts';
import { mayHoldToolMessage } from '../../content/parts/tool-result.ts';
import {
  isAny,
  isBoolean,
  isCount,
  isInteger,
  isModelName,
  isName,
  isNumber,
  isPlainSpan,
  isShortKind,
  isString,
  isText,
  isTextList,
  objectText,
  RememberedTexts,
  type ShortKey,
  ShortReading,
  ShortTable,
  toolsText,
} from '../../short-way.ts';
import { NANOSECONDS_FROM } from '../../values/elapsed.ts';
import { isRealtime } from './realtime.ts';

const SHAPE: MessageShape = {
  parts: ',"parts":[',
  text: '{"type":"text","content":"',
  call: { type: 'tool_call', id: 'id', keys: new Set(['id', 'name', 'arguments']) },
  result: { type: 'tool_call_response', id: 'id', keys: new Set(['id', 'name', 'response', 'result']) },
};

/** What the keys of the conventions say, before it is looked into. */
export class GenAiReading extends ShortReading {
  operation: string | undefined = undefined;
  agentName: string | undefined = undefined;
  toolName: string | undefined = undefined;
  finishReasons: unknown = undefined;
  inputMessages: unknown = undefined;
  outputMessages: unknown = undefined;
  instructions: unknown = undefined;
  toolArguments: unknown = undefined;
  toolResult: unknown = undefined;
  outputType: unknown = undefined;
  toolDefinitions: unknown = undefined;
}

keepShape(new GenAiReading('', 'model'));

export const GEN_AI_KEYS: Readonly<Record<string, ShortKey>> = {
  'gen_ai.operation.name': ['operation', isText],
  'gen_ai.provider.name': ['provider', isName],
  'gen_ai.system': ['provider', isName],
  'gen_ai.request.model': ['model', isModelName],
  'gen_ai.request.max_tokens': ['maxTokens', isCount],
  'gen_ai.request.temperature': ['temperature', isNumber],
  'gen_ai.request.top_p': ['topP', isNumber],
  'gen_ai.request.presence_penalty': ['presencePenalty', isNumber],
  'gen_ai.request.frequency_penalty': ['frequencyPenalty', isNumber],
  'gen_ai.request.seed': ['seed', isInteger],
  'gen_ai.request.top_k': ['topK', isNumber],
  'gen_ai.request.stop_sequences': ['stop', isTextList],
  'gen_ai.request.stream': ['isStreamed', isBoolean],
  'gen_ai.tool.definitions': ['toolDefinitions', isString],
  'gen_ai.response.id': ['responseId', isName],
  'gen_ai.response.model': ['responseModel', isModelName],
  'gen_ai.response.finish_reasons': ['finishReasons', isAny],
  'gen_ai.usage.input_tokens': ['promptTokens', isCount],
  'gen_ai.usage.output_tokens': ['outputTokens', isCount],
  'gen_ai.usage.total_tokens': ['totalTokens', isCount],
  'gen_ai.usage.cache_read.input_tokens': ['cacheReadTokens', isCount],
  'gen_ai.usage.cache_creation.input_tokens': ['cacheWriteTokens', isCount],
  'gen_ai.usage.reasoning.output_tokens': ['reasoningTokens', isCount],
  'gen_ai.input.messages': ['inputMessages', isString],
  'gen_ai.output.messages': ['outputMessages', isString],
  'gen_ai.system_instructions': ['instructions', isString],
  'gen_ai.agent.name': ['agentName', isName],
  'gen_ai.agent.id': ['agentId', isName],
  'gen_ai.agent.description': ['description', isText],
  'gen_ai.tool.name': ['toolName', isName],
  'gen_ai.tool.type': ['toolType', isText],
  'gen_ai.tool.description': ['description', isText],
  'gen_ai.tool.call.id': ['toolCallId', isName],
  'gen_ai.tool.call.arguments': ['toolArguments', isString],
  'gen_ai.tool.call.result': ['toolResult', isText],
  'gen_ai.output.type': ['outputType', isPlainText],
  'gen_ai.response.time_to_first_chunk': ['secondsToFirstChunk', isWait],
  'gen_ai.client.operation.time_to_first_chunk': ['secondsToFirstChunk', isWait],
  'gen_ai.client.operation.time_per_output_chunk': 'ignored',
  'gen_ai.conversation.id': 'ignored',
  'gen_ai.client.operation.duration': 'ignored',
  'gen_ai.execute_tool.duration': 'ignored',
  'server.address': ['serverAddress', isName],
};

/** What any vocabulary might read, if it is not known. */
export const DOUBTS =
  /^(gen_ai|openai|llm|traceloop|ai|error|exception|telemetry|resource|annotations|evaluations|output|langfuse|mlflow|spring|tool)\.|^code\.function\.(parameters?|return)\.|^(operation\.cost|otel\.status_(?:code|description)|http\.(?:response\.)?status_code|input|output|input_tokens|output_tokens|response_data|error|copilot_chat\.time_to_first_token|github\.copilot\.time_to_first_chunk|trace_(?:in|out)put)$|[_.]ref$/;

const TABLE = new ShortTable<GenAiReading>(GEN_AI_KEYS, DOUBTS);

/**
 * `convention` is the vocabulary that decided on the kind. `table` knows the keys of the conventions, and may know keys
 * that this vocabulary reads itself.
 */
export function readGenAiShort(
  span: SpanSlice,
  kind: string,
  convention: string,
  table: ShortTable<GenAiReading> = TABLE,
): ShortReading | undefined {
  if (!isShortKind(kind) || !isPlainSpan(span) || isRealtime(span)) return undefined;
  const reading = new GenAiReading(convention, kind);
  if (!table.read(span, reading)) return undefined;
  const isKnown = kind === 'tool' ? readTool(reading) : readTools(reading, span) && readConversation(reading);
  return isKnown && readCaller(reading) ? reading : undefined;
}

/** The agent that makes the call is named in the metadata. */
function readCaller(reading: GenAiReading): boolean {
  const { kind, name, agentName } = reading;
  if (kind === 'agent' || agentName === undefined || agentName === name) return true;
  reading.callerName = agentName;
  return true;
}

function readTool(reading: GenAiReading): boolean {
  const { toolArguments, toolResult, inputMessages, outputMessages } = reading;
  if (reading.toolName === undefined || inputMessages !== undefined || outputMessages !== undefined) return false;
  reading.name = reading.toolName;
  if (toolArguments !== undefined) {
    // Texts in objects are opened.
    if (/^\s*\{\s*"(?:arguments|[^"]*\\)/.test(toolArguments as string)) return false;
    reading.inputs = objectText(toolArguments as string);
    if (reading.inputs === undefined) return false;
  }
  if (toolResult === undefined) return true;
  reading.output = toolResult as string;
  return !reading.output.startsWith('"') && !mayHoldToolMessage(reading.output);
}

/** The calls of an app mostly have one of a few lists of tools, which would be parsed for each of them. */
const rememberedTools = new RememberedTexts<string>();

function readTools(reading: GenAiReading, span: SpanSlice): boolean {
  const definitions = reading.toolDefinitions as string | undefined;
  if (definitions === undefined) return true;
  if (reading.kind !== 'model') return false;
  reading.tools = rememberedTools.get(definitions, () =>
    toolsText(span, (fields) => modelToolsAt(fields, 'gen_ai.tool.definitions')),
  );
  return reading.tools !== undefined;
}

function readConversation(reading: GenAiReading): boolean {
  const { kind, operation, promptTokens, outputTokens, inputMessages, outputMessages, instructions } = reading;
  if (operation === 'text_completion' || operation === 'text.completions') return false;
  if (kind === 'model' && (reading.model === undefined || (promptTokens === 0 && outputTokens === 0))) return false;
  // An agent without a requested model has the one that answered.
  if (reading.model === undefined && reading.responseModel !== undefined) return false;
  if (kind === 'agent') reading.name = reading.agentName;
  if (inputMessages !== undefined) {
    const found = findMessages(inputMessages as string, SHAPE);
    if (!found || (instructions !== undefined && found.firstRole === 'system')) return false;
    reading.messages = found.pieces;
  }
  if (instructions !== undefined) {
    const first = findInstructions(instructions as string, SHAPE, 'system');
    if (!first) return false;
    reading.messages = join(first, reading.messages);
  }
  return readAnswer(reading, outputMessages as string | undefined);
}

/** Joins the pieces of two lists of messages. */
function join(first: string[], second: readonly string[] | undefined): string[] {
  if (!second) return first;
  first.push(`${first.pop()},${second[0]}`);
  for (let at = 1; at < second.length; at++) first.push(second[at] as string);
  return first;
}

function readAnswer(reading: GenAiReading, json: string | undefined): boolean {
  let reason = toFinishReason(reading.finishReasons);
  if (json !== undefined) {
    const found = findMessages(json, SHAPE);
    if (found?.count !== 1 || found.firstRole !== 'assistant' || found.pieces[0]?.startsWith('{"role":"tool"')) {
      return false;
    }
    reading.outputMessage = found.pieces;
    reason ??= toFinishReason(found.finishReason);
  }
  reading.finishReason = reason;
  const isWord = reason === undefined ? reading.finishReasons === undefined : !isNumberedReason(reason);
  return isWord && reason !== 'error' && !isSeveral(reading.finishReasons);
}

/** Whether each item of the answer may have a reason of its own. */
function isSeveral(reasons: unknown): boolean {
  return typeof reasons === 'string' ? reasons.includes(',') : Array.isArray(reasons) && reasons.length > 1;
}

/** The milliseconds of a larger number might not be finite. */
function isWait(seconds: unknown): boolean {
  return isNumber(seconds) && Math.abs(seconds as number) < NANOSECONDS_FROM;
}

function isPlainText(type: unknown): boolean {
  return type === 'text';
}
