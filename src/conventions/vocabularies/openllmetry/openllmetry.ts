/**
 * OpenLLMetry (Traceloop), JavaScript and Python: `gen_ai.prompt.N.*` and `llm.*` of the old releases, and the entities
 * of its SDK (`traceloop.*`). The new releases write plain GenAI conventions, which `gen-ai/` reads; this file reads
 * what they add.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import { inputsOf } from '../../content/inputs.ts';
import { finishReasonAt } from '../../content/messages/finish-reason.ts';
import { textOfState } from '../../content/messages/graph-state.ts';
import { isLostAnswer, MessageReader, metadataOfMessages } from '../../content/messages/messages.ts';
import { fromLangChain } from '../../content/parts/langchain-json.ts';
import { areWords, readAnswer, structureTextAt, toStepOutput } from '../../content/provider-bodies.ts';
import { readError } from '../../content/read-error.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import { ownUsage, type Usage, usageDetails } from '../../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import { addTo, omitUndefined, stringListOf, stringOf, unlessEmpty } from '../../values/attributes.ts';
import { fieldsBelow } from '../../values/indexed-groups.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import { constantOf } from '../../values/printed/enum-member.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { readGenAiUsage } from '../gen-ai/usage.ts';
import { openEnvelope } from './envelope.ts';
import { isCrewsCall, kindOfEntity, kindOfRequest } from './kinds.ts';
import { readIndexedMessages } from './messages.ts';
import { readOpenLlmetryShort } from './short-way.ts';

const SCOPE = '@traceloop/';
/** OpenTelemetry's own packages for Python have it too, such as `opentelemetry.instrumentation.openai_v2`. */
const PYTHON_SCOPE = 'opentelemetry.instrumentation.';
const OWN_KEY = /^(?:traceloop|llm)\./;
/** Other instrumentations and exporters write these too, whatever their scope. */
const INDEXED_KEY = /^gen_ai\.(?:prompt|completion|(?:input|output)\.messages)\.\d/;

const CREW_RESULT = 'crewai.crew.result';
/** Results of CrewAI's crews, and of what LlamaIndex predicts. */
const RESULTS = [CREW_RESULT, 'gen_ai.completion.content'] as const;
const INPUTS = ['traceloop.entity.input', 'gen_ai.task.input'] as const;
const OUTPUTS = ['traceloop.entity.output', 'gen_ai.task.output'] as const;
const ENTITY_KEYS = ['traceloop.span.kind', 'traceloop.entity.name', CREW_RESULT] as const;

export const openLlmetry: Convention = {
  name: 'openllmetry',
  title: 'OpenLLMetry (Traceloop)',
  packages: [
    '@traceloop/instrumentation-openai',
    '@traceloop/instrumentation-anthropic',
    '@traceloop/instrumentation-langchain',
    '@traceloop/instrumentation-llamaindex',
    '@traceloop/node-server-sdk',
  ],
  context: {
    session: [
      'traceloop.association.properties.session_id',
      'traceloop.association.properties.sessionId',
      'traceloop.association.properties.chat_id',
      'traceloop.association.properties.conversation_id',
      'traceloop.association.properties.thread_id',
      'traceloop.association.properties.threadId',
      'traceloop.association.properties.conversationId',
      'traceloop.association.properties.chatId',
      // Respan's, which KeywordsAI was called before.
      ...['respan.threads.thread_identifier', 'keywordsai.threads.thread_identifier'],
    ],
    user: [
      ...['traceloop.association.properties.user_id', 'traceloop.association.properties.userId', 'llm.user'],
      ...['respan.customer_params.customer_identifier', 'keywordsai.customer_params.customer_identifier'],
    ],
  },
  signs: {
    keys: ['traceloop.span.kind', 'llm.request.type', CREW_RESULT],
    prefixes: ['gen_ai.prompt.', 'gen_ai.completion.', 'gen_ai.input.messages.', 'gen_ai.output.messages.'],
    scopes: [SCOPE, PYTHON_SCOPE],
  },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const entity = attributes['traceloop.span.kind'];
    if (entity !== undefined) return kindOfEntity(span, entity);
    const request = kindOfRequest(span);
    if (request !== undefined) return request;
    if (attributes[CREW_RESULT] !== undefined) return 'generic';
    const scope = scopeOf(span).name;
    if (isCrewsCall(span, scope)) return 'model';
    if (scope.startsWith(SCOPE)) return genAi.classify(span);
    if (hasKey(attributes, INDEXED_KEY)) return genAi.classify(span) ?? kindByAnswer(attributes);
    return scope.startsWith(PYTHON_SCOPE) && hasKey(attributes, OWN_KEY) ? genAi.classify(span) : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    const isEntity = kind !== 'generic' || fields.firstKey(...ENTITY_KEYS) !== undefined;
    const reading =
      kind === 'model'
        ? withEntityValues(readModelCall(fields), fields)
        : isEntity
          ? readEntity(fields, kind)
          : readOtherCall(fields);
    addTo(reading, readPrompt(fields));
    const workflow = fields.string('traceloop.workflow.name');
    const properties = toPlainObject(fieldsBelow(attributes, 'traceloop.association.properties.'));
    reading.error = readError(span, { finishReason: reading.finishReason });
    reading.metadata = {
      ...reading.metadata,
      workflow: workflow === reading.name ? undefined : workflow,
      entity_path: fields.string('traceloop.entity.path'),
      prompt_key: fields.string('traceloop.prompt.key'),
      prompt_version: fields.number('traceloop.prompt.version'),
      prompt_version_name: fields.string('traceloop.prompt.version_name'),
    };
    if (properties) reading.contentMetadata = addTo({ ...properties }, reading.contentMetadata);
    return reading;
  },

  isStep: ({ attributes }) => attributes['traceloop.span.kind'] !== undefined,

  shortWay: { read: readOpenLlmetryShort, includes: ['gen-ai'] },
};

function hasKey(attributes: Attributes, pattern: RegExp): boolean {
  for (const key in attributes) if (pattern.test(key)) return true;
  return false;
}

/** A span with nothing but messages is a call if one of them is the answer. */
function kindByAnswer(attributes: Attributes): SpanKind | undefined {
  return hasKey(attributes, /^gen_ai\.(?:completion|output\.messages)\.0\./) ? 'model' : undefined;
}

function readModelCall(fields: SpanFields): Reading {
  const { attributes } = fields;
  const request = attributes['llm.request.type'];
  const { messages, answers, tools, contentMetadata, finishReason } = readIndexedMessages(fields);
  const [answer, ...others] = answers;
  const usage = readGenAiUsage(fields);
  const { outputTokens } = usage;
  const outputMessage = isLostAnswer(answer, finishReason, outputTokens) ? undefined : answer;
  return {
    ...(genAi.classify(fields.span) === undefined && readFirstNames(fields, usage)),
    provider: fields.firstName('gen_ai.provider.name', 'gen_ai.system', 'llm.vendor'),
    endpoint: typeof request !== 'string' ? undefined : constantOf(request) === 'completion' ? 'complete' : 'chat',
    frequencyPenalty: fields.number('llm.frequency_penalty'),
    presencePenalty: fields.number('llm.presence_penalty'),
    stop: stringListOf(attributes['llm.chat.stop_sequences']),
    maxTokens: fields.integer('llm.request.max_tokens') ?? fields.integer('llm.watsonx.max_new_tokens'),
    seed: fields.integer('llm.watsonx.random_seed'),
    other: {
      top_k: fields.number('llm.top_k'),
      reasoning_effort: fields.string('llm.request.reasoning_effort'),
      repetition_penalty:
        fields.number('llm.request.repetition_penalty') ?? fields.number('llm.watsonx.repetition_penalty'),
      decoding_method: fields.string('llm.watsonx.decoding_method'),
      thinking_type: fields.string('llm.request.thinking.type'),
      thinking_budget_tokens: fields.number('llm.request.thinking.budget_tokens'),
    },
    tools,
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    finishReason: finishReason ?? finishReasonAt(fields, 'llm.response.finish_reason', 'llm.response.stop_reason'),
    contentMetadata: { choices: others.length > 0 ? others : undefined, ...contentMetadata },
  };
}

/** Content of a call in any other way; the values of its entity are then only a copy. */
const ASKED = /^gen_ai\.(?:(?:content\.)?prompt|(?:input|request)\.messages)/;
const SAID = /^gen_ai\.(?:(?:content\.)?completion|output\.messages)/;

/** Adds what a call was asked and said that has that only as values of an entity: one that is a task, or Respan's. */
function withEntityValues(reading: Reading, fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const isTask = attributes['traceloop.span.kind'] !== undefined;
  if (!isTask && attributes['llm.request.type'] === undefined) return reading;
  if (span.events.some(({ name }) => name.startsWith('gen_ai.'))) return reading;
  const reader = new MessageReader();
  if (!isTask) {
    const asked = hasKey(attributes, ASKED) ? undefined : readEntityValue(fields, 'traceloop.entity.input', true);
    const messages = asked === undefined ? [] : reader.read(asked);
    if (messages.length > 0) addTo(reading, { messages });
  } else if (!hasKey(attributes, ASKED)) {
    const { messages, ...inputs } = readEntity(fields, 'generic').inputs ?? {};
    if (Array.isArray(messages)) addTo(reading, { messages: reader.read(messages), inputs: unlessEmpty(inputs) });
    else addTo(reading, { inputs: unlessEmpty({ messages, ...inputs }) });
  }
  const returned = hasKey(attributes, SAID) ? undefined : readEntityValue(fields, 'traceloop.entity.output', true);
  const said = openEnvelope(returned);
  if (said === undefined) return reading;
  const text = said === returned ? structureTextAt(fields, 'traceloop.entity.output') : undefined;
  const { contentMetadata, ...answer } = readAnswer(said, reader, undefined, text);
  addTo(reading, answer).contentMetadata = {
    ...reading.contentMetadata,
    ...contentMetadata,
    ...metadataOfMessages(reader),
  };
  return reading;
}

/** Reads embeddings, which have texts, and reranking, with the documents as words of the system. */
function readOtherCall(fields: SpanFields): Reading {
  const { messages, answers } = readIndexedMessages(fields);
  const texts = (role: string) => messages.filter((message) => message.role === role).map(messageText);
  const usage = readGenAiUsage(fields);
  const [queries, documents] = [texts('user'), texts('system')];
  const isRanking = documents.length > 0;
  return {
    provider: fields.firstName('gen_ai.provider.name', 'gen_ai.system', 'llm.vendor'),
    inputs: inputsOf(isRanking ? { query: queries[0], documents } : queries.length > 1 ? queries : queries[0]),
    output: isRanking && answers.length > 0 ? JSON.stringify(answers.map(messageText)) : undefined,
    ...ownUsage(usage),
    metadata: usageDetails(usage),
  };
}

/** What a call says of which the GenAI conventions know nothing: its names are older than theirs. */
function readFirstNames(fields: SpanFields, usage: Usage): Reading {
  const { attributes } = fields;
  const answered = modelNameOf(attributes['llm.response.model']);
  return {
    model: modelNameOf(attributes['llm.request.model'] ?? attributes['gen_ai.request.model']) ?? answered,
    temperature: fields.number('llm.temperature'),
    topP: fields.number('llm.top_p'),
    ...ownUsage(usage),
    metadata: { response_model: answered, ...usageDetails(usage) },
  };
}

function readEntity(fields: SpanFields, kind: SpanKind): Reading {
  const output =
    openEnvelope(readEntityValue(fields, fields.firstKey(...OUTPUTS) ?? OUTPUTS[0], true)) ??
    fields.attributes[fields.firstKey(...RESULTS) ?? ''];
  const input = openEnvelope(readEntityValue(fields, fields.firstKey(...INPUTS) ?? INPUTS[0], false));
  const result = kind === 'tool' && isObject(output) && output['role'] === 'tool' ? output : undefined;
  return {
    // The entity name of a LangChain tool is its class; its own name is in its result.
    name: stringOf(result?.['name']) ?? readName(fields, kind),
    description: kind === 'tool' ? fields.string('tool.description') : undefined,
    inputs: inputsOf(withKeywords(input)) ?? readTask(fields),
    output: isVector(fields.span, output)
      ? undefined
      : (textOfState(openEnvelope(fields.structure('traceloop.entity.output'))) ??
        toStepOutput(result ? result['content'] : output)),
  };
}

/** CrewAI's tasks are described, and its crews inherit nothing from the SDK. */
function readTask(fields: SpanFields): Reading['inputs'] {
  const description = fields.string('crewai.task.description');
  return description === undefined
    ? undefined
    : omitUndefined({ description, expected_output: fields.string('crewai.task.expected_output') });
}

/** The workflow gives its name to what has none, also in the names of the conventions, which steps inherit from agents. */
function readName(fields: SpanFields, kind: SpanKind): string | undefined {
  return (
    fields.string('traceloop.entity.name') ??
    (kind === 'agent' || kind === 'tool'
      ? fields.firstName(`gen_ai.${kind}.name`, `crewai.${kind}.role`)
      : undefined) ??
    fields.string('traceloop.workflow.name')
  );
}

/** LlamaIndex's embeddings are tasks that return a vector. */
function isVector(span: SpanSlice, output: unknown): boolean {
  return Array.isArray(output) && /embedding/i.test(span.name) && output.every((item) => typeof item === 'number');
}

/** In JavaScript a recorded call may have no keyword arguments. */
function withKeywords(input: unknown): unknown {
  if (!isObject(input) || !Array.isArray(input['args'])) return input;
  return { args: input['args'], kwargs: isObject(input['kwargs']) ? input['kwargs'] : {} };
}

/** `isSaid`: the value may be words, and not the arguments of a function. */
function readEntityValue(fields: SpanFields, key: string, isSaid: boolean): unknown {
  const value = fields.attributes[key];
  const parsed = fields.structure(key) ?? value;
  if (isSaid && areWords(value, parsed)) return value;
  return typeof value === 'string' && value.includes('"lc":1') ? fromLangChain(parsed) : parsed;
}

/** The template of Traceloop's prompt registry, and its variables as inputs. */
function readPrompt(fields: SpanFields): Reading {
  const promptTemplate = fields.string('traceloop.prompt.template');
  if (fields.attributes['traceloop.prompt.key'] === undefined && promptTemplate === undefined) return {};
  return {
    promptTemplate,
    inputs: toPlainObject(fieldsBelow(fields.attributes, 'traceloop.prompt.template_variables.')),
  };
}
