/** Messages, output and inputs of the GenAI conventions, from attributes or else from events. */

import { type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ChatMessage, ModelTool } from '../../../wire/v4.ts';
import { textOfDocuments } from '../../content/documents.ts';
import { inputsAt, inputsOf } from '../../content/inputs.ts';
import { withoutAnsweredCalls } from '../../content/messages/answered-calls.ts';
import { answerInText, wholeAnswerIn } from '../../content/messages/envelopes.ts';
import { finishReasonAt } from '../../content/messages/finish-reason.ts';
import {
  answersInItems,
  isAzures,
  isSplitTurn,
  joinItems,
  mergeAssistant,
} from '../../content/messages/join-messages.ts';
import { holdsMessages, openTexts } from '../../content/messages/message-wrappers.ts';
import { MessageReader, metadataOfMessages } from '../../content/messages/messages.ts';
import { toModelTools } from '../../content/model-tools.ts';
import { blocksInText } from '../../content/parts/message-parts.ts';
import { structuredOf } from '../../content/provider-bodies.ts';
import { lastException, readError } from '../../content/read-error.ts';
import { countSentences } from '../../content/streams/stream-chunks.ts';
import type { Reading, SpanKind } from '../../convention.ts';
import { integerOf } from '../../values/attributes.ts';
import { fieldsBelow } from '../../values/indexed-groups.ts';
import { toOptionalText, toPlainObject } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { withCallsBeside } from './calls-beside.ts';
import { COMPLETIONS, completionAt, isSentrys, unlessOwnJson } from './completions.ts';
import { contentAt } from './content-at.ts';
import { type EventContent, readEventContent, splitAnswer } from './events.ts';
import { readMemory } from './memory.ts';
import { readPictures } from './pictures.ts';
import { isRealtime, readRealtimeTurn } from './realtime.ts';
import { readRerank } from './rerank.ts';
import { isEmbedding, isVectors } from './vectors.ts';

/**
 * Quarkus writes attributes with the names of the events of 1.27, Cloudflare's gateway whole bodies, and Semantic Kernel,
 * OpenLIT and Splunk what an agent was given and returned.
 */
const PROMPTS = [
  'gen_ai.prompt',
  'gen_ai.content.prompt',
  'gen_ai.prompt_json',
  'gen_ai.agent.invocation_input',
  'gen_ai.agent.input_context',
  // Bifrost's texts to complete, to embed and to say.
  'gen_ai.input.text',
  'gen_ai.input.speech',
  // Goose's.
  'trace_input',
  'promptfoo.request.body',
] as const;
export const FINISH_REASONS = 'gen_ai.response.finish_reasons';

const NO_EVENTS: EventContent = {};

/** Instrumentations of LangChain that stringify the content blocks of a message into its text: OpenLLMetry's, Sentry's. */
const LANGCHAIN = '@traceloop/instrumentation-langchain';
const SENTRYS_LANGCHAIN: readonly unknown[] = ['auto.ai.langchain', 'auto.ai.langgraph'];

const VERTEX_AI = 'opentelemetry.instrumentation.vertexai';

export function readGenAiContent(fields: SpanFields, kind: SpanKind): Reading {
  const { span } = fields;
  const events = span.events.length > 0 ? readEventContent(span) : NO_EVENTS;
  if (kind === 'generic') return readValues(fields, events);

  const reader = new MessageReader(hasBedrocksBlocks(fields));
  const given = contentAt(fields, 'gen_ai.input.messages', 'gen_ai.request.messages', ...PROMPTS);
  const written = contentAt(fields, 'gen_ai.output.messages') ?? completionAt(fields);
  const words = written ?? unlessOwnJson(events.output);
  const answered = kind === 'model' && !isSentrys(fields) ? withCallsBeside(words, fields) : words;
  const turn = isRealtime(span) ? readRealtimeTurn(answered) : undefined;
  const asked = given ?? turn?.before;
  const said = turn ? turn.answer : answered;
  const isTold = asked === undefined && said === undefined && tellsAnswer(span);
  const told = isTold ? splitAnswer(events.input) : undefined;
  const input = asked ?? (told ? told.input : events.input);
  // An agent that works as a tool of another one is given arguments.
  const task = kind === 'agent' && isObject(input) && !holdsMessages(input) ? inputsOf(input) : undefined;
  const history = input === undefined || task ? [] : reader.read(input);
  if (writesBlocksAsText(span)) openBlocks(history, reader);
  const messages = withSystem(readSystem(fields, events, reader), history);
  const output = said ?? told?.output;
  const listed =
    output === undefined ? [] : openAnswer(output, reader.readOutput(output, choiceCountOf(fields, output)), reader);
  const { finishReason } = reader;
  const areItems = answersInItems(span) || isVersioned(output) || isSplitTurn(listed, finishReason);
  const isOneAnswer = kind === 'model' && events.hasChoices !== true && areItems && asksForOne(fields);
  const joined = isOneAnswer ? joinItems(told ? mergeAssistant(listed) : listed) : listed;
  const items = isEmptyItem(joined[0]) && joined.length > 1 && asksForOne(fields) ? joined.slice(1) : joined;
  const answers =
    kind === 'model' ? withoutAnsweredCalls(items, reportedFinishReason(fields) ?? finishReason, reader) : items;
  const outputMessage = kind === 'agent' ? lastAnswerOf(answers) : answers.find(({ role }) => role === 'assistant');
  const others =
    kind === 'model' ? answers.filter((message) => message.role === 'assistant' && message !== outputMessage) : [];

  return {
    inputs: variablesOf(fields) ?? task,
    tools: toolsOf(fields, events),
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    finishReason,
    // What the body says beside the answer is only there.
    providerResponse: written === undefined ? toPlainObject(wholeAnswerIn(structuredOf(events.output))) : undefined,
    contentMetadata: {
      choices: others.length > 0 ? others : undefined,
      ...metadataOfMessages(reader),
    },
  };
}

/** Microsoft's Agent 365 has items of an answer in `{ version, messages }`, and of other APIs the whole answer as its words. */
function isVersioned(output: unknown): boolean {
  return isObject(output) && typeof output['version'] === 'string' && Array.isArray(output['messages']);
}

function openAnswer(output: unknown, answers: ChatMessage[], reader: MessageReader): ChatMessage[] {
  const body =
    answers.length === 1 && (isVersioned(output) || typeof output === 'string')
      ? answerInText(answers[0]?.content)
      : undefined;
  return body ? reader.readOutput(body) : answers;
}

/** Whether this stands for an item without words, such as the reasoning before an answer. */
function isEmptyItem(message: ChatMessage | undefined): boolean {
  return message?.role === 'assistant' && message.content === '' && message.tool_calls === undefined;
}

/** Whether the last messages in events may be the answer. That of a call that failed is the beginning of one, which the app gave. */
function tellsAnswer(span: SpanSlice): boolean {
  return isAzures(span) && readError(span) === undefined && lastException(span) === undefined;
}

/** Returns the first finish reason that the span has beside its messages. */
export function reportedFinishReason(fields: SpanFields): string | undefined {
  return finishReasonAt(
    fields,
    FINISH_REASONS,
    'gen_ai.response.finish_reason',
    'gen_ai.finish_reason',
    'gen_ai.response.stop_reason',
    'anthropic.message.stop_reason',
  );
}

function asksForOne({ attributes }: SpanFields): boolean {
  return (integerOf(attributes['gen_ai.request.choice.count']) ?? 1) <= 1;
}

/** Returns how many answers a list of contents may have. The package for Vertex AI writes candidates and pieces of one alike. */
function choiceCountOf({ attributes, span }: SpanFields, output: unknown): number | undefined {
  const asked = integerOf(attributes['gen_ai.request.choice.count']);
  return asked ?? (scopeOf(span).name === VERTEX_AI ? countSentences(output) : undefined);
}

function readSystem(fields: SpanFields, events: EventContent, reader: MessageReader): ChatMessage[] {
  const system = contentAt(fields, 'gen_ai.system_instructions') ?? events.system;
  return system === undefined ? [] : reader.readSystem(system);
}

/** Returns the tools that an event defines, if the span does not. */
function toolsOf({ attributes }: SpanFields, { tools }: EventContent): ModelTool[] | undefined {
  return attributes['gen_ai.tool.definitions'] === undefined ? toModelTools(tools) : undefined;
}

function writesBlocksAsText(span: SpanSlice): boolean {
  return scopeOf(span).name === LANGCHAIN || SENTRYS_LANGCHAIN.includes(span.attributes['sentry.origin']);
}

function openBlocks(messages: ChatMessage[], reader: MessageReader): void {
  for (const [at, message] of messages.entries()) {
    const blocks = typeof message.content === 'string' ? blocksInText(message.content) : undefined;
    if (blocks) messages.splice(at, 1, ...reader.read({ ...message, content: blocks }));
  }
}

/** Puts the instructions first, unless the messages already begin with them, as in some instrumentations. */
export function withSystem(system: readonly ChatMessage[], messages: ChatMessage[]): ChatMessage[] {
  const first = system[0];
  if (!first) return messages;
  const text = messageText(first);
  for (const message of messages) {
    if (message.role !== 'system') break;
    if (messageText(message) === text) return messages;
  }
  return [first, ...messages];
}

/** Returns an agent's last text, without the tool calls that it made on the way. */
function lastAnswerOf(answers: readonly ChatMessage[]): ChatMessage | undefined {
  const last = answers.findLast((message) => message.role === 'assistant' && messageText(message) !== undefined);
  if (!last) return answers.findLast(({ role }) => role === 'assistant');
  if (!last.tool_calls || !answers.some(({ role }) => role === 'tool')) return last;
  const { tool_calls: _calls, ...words } = last;
  return words;
}

/** Of workflows and their steps, as OpenLIT, OpenLLMetry and Splunk name them. */
const ARGUMENTS = [
  'gen_ai.tool.call.arguments',
  'gen_ai.tool.input',
  'gen_ai.workflow.input',
  'gen_ai.workflow.initial_input',
  'gen_ai.task.input',
  'gen_ai.task.input_data',
  'gen_ai.step.input_data',
  'gen_ai.framework.pipeline.input_data',
  // AG2's.
  'ag2.human_input.prompt',
] as const;
const RESULTS = [
  'gen_ai.tool.call.result',
  'gen_ai.tool.output',
  'gen_ai.workflow.output',
  'gen_ai.workflow.final_output',
  'gen_ai.task.output',
  'gen_ai.task.output_data',
  'gen_ai.step.output_data',
  'gen_ai.framework.pipeline.output_data',
  ...['ag2.human_input.response', 'ag2.code_execution.output', 'ag2.chats.summaries'],
] as const;

/** Sentry's and Grafana's names for what was embedded. */
const EMBEDDED = ['gen_ai.embeddings.input', 'gen_ai.embeddings.input_texts'] as const;
const RETRIEVAL_QUERIES = [
  'gen_ai.retrieval.query.text',
  'gen_ai.retrieval.query',
  'gen_ai.retrieval.query_text',
] as const;

/** Reads embeddings and retrieval, which have inputs and an output, and workflows and turns, which may have messages. */
function readValues(fields: SpanFields, events: EventContent): Reading {
  const input = contentAt(fields, 'gen_ai.input.messages', ...PROMPTS, ...EMBEDDED) ?? events.input;
  const query = fields.firstString(...RETRIEVAL_QUERIES);
  const documents = textOfDocuments(fields.attributes['gen_ai.retrieval.documents']);
  const output = contentAt(fields, 'gen_ai.output.messages', ...COMPLETIONS) ?? events.output;
  const reader = new MessageReader();
  const messages = hasMessages(input) ? withSystem(readSystem(fields, events, reader), reader.read(input)) : undefined;
  const memory = readMemory(fields);
  const rerank = readRerank(fields);
  const said =
    output === undefined || (isVectors(output) && (Array.isArray(output) || isEmbedding(fields)))
      ? undefined
      : lastAnswerOf(reader.readOutput(output));
  const pictures = readPictures(fields);
  const outputMessage = said ?? pictures.outputMessage;
  return {
    inputs:
      query !== undefined
        ? { query }
        : (memory.inputs ??
          rerank.inputs ??
          variablesOf(fields) ??
          (messages ? undefined : (inputsOf(input) ?? inputsAt(fields, fields.firstKey(...ARGUMENTS))))),
    messages,
    outputMessage,
    output:
      documents ??
      memory.output ??
      rerank.output ??
      messageText(outputMessage) ??
      toOptionalText(fields.attributes[fields.firstKey(...RESULTS) ?? '']),
    contentMetadata: { ...metadataOfMessages(reader), ...pictures.contentMetadata },
  };
}

function hasMessages(input: unknown): boolean {
  return Array.isArray(input) && openTexts(input).some((item) => isObject(item) && typeof item['role'] === 'string');
}

function variablesOf({ attributes }: SpanFields): Record<string, unknown> | undefined {
  return toPlainObject(fieldsBelow(attributes, 'gen_ai.prompt.variable.'));
}

/** Strands writes the blocks of Bedrock for any provider, some of its releases as a list of their JSON. */
function hasBedrocksBlocks({ attributes }: SpanFields): boolean {
  return (attributes['gen_ai.system'] ?? attributes['gen_ai.provider.name']) === 'strands-agents';
}
