/**
 * OpenLLMetry (Traceloop), JavaScript and Python: `gen_ai.prompt.N.*` and `llm.*` of the old releases, and the entities
 * of its SDK (`traceloop.*`). The new releases write plain GenAI conventions, which `gen-ai/` reads; this file reads
 * what they add.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import { toFinishReason } from '../../content/finish-reason.ts';
import { inputsOf } from '../../content/inputs.ts';
import { fromLangChain } from '../../content/langchain-json.ts';
import { isLostAnswer } from '../../content/messages.ts';
import { readError } from '../../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import {
  type Damage,
  firstString,
  integerOf,
  jsonOf,
  numberOf,
  objectOf,
  put,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { damageMetadata } from '../../values/damage.ts';
import { fieldsBelow } from '../../values/indexed-groups.ts';
import { toOptionalText, toPlainObject } from '../../values/plain-json.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { outputTokensOf } from '../gen-ai/usage.ts';
import { readIndexedMessages } from './messages.ts';

const SCOPE = '@traceloop/';
const PYTHON_SCOPE = 'opentelemetry.instrumentation.';

const ENTITY_KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['workflow', 'generic'],
  ['task', 'generic'],
  ['agent', 'agent'],
  ['tool', 'tool'],
  ['session', 'generic'],
  ['unknown', 'generic'],
]);

export const openLlmetry: Convention = {
  name: 'openllmetry',
  signs: { keys: ['traceloop.span.kind', 'llm.request.type'], scopes: [SCOPE, PYTHON_SCOPE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const entity = attributes['traceloop.span.kind'];
    if (entity !== undefined) return kindOfEntity(span, entity);
    const request = attributes['llm.request.type'];
    if (typeof request === 'string') {
      return request === 'embedding' || request === 'rerank' ? 'generic' : 'model';
    }
    const scope = scopeOf(span).name;
    return scope.startsWith(SCOPE) || scope.startsWith(PYTHON_SCOPE) ? genAi.classify(span) : undefined;
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const kind = openLlmetry.classify(span);
    const reading: Reading = {};
    if (kind === 'model') readModelCall(attributes, damage, reading);
    else readEntity(span, kind, damage, reading);
    readPrompt(attributes, reading);
    put(reading, 'error', readError(span, { finishReason: reading.finishReason }));
    const properties = fieldsBelow(attributes, 'traceloop.association.properties.');
    if (properties) reading.contentMetadata = { ...toPlainObject(properties), ...reading.contentMetadata };
    put(reading, 'metadata', readStructure(attributes, reading, damage));
    return reading;
  },
};

function readStructure(attributes: Attributes, reading: Reading, damage: Damage): Record<string, unknown> | undefined {
  const metadata: Record<string, unknown> = {};
  const workflow = stringOf(attributes['traceloop.workflow.name']);
  if (workflow !== reading.name) put(metadata, 'workflow', workflow);
  put(metadata, 'entity_path', stringOf(attributes['traceloop.entity.path']));
  put(metadata, 'prompt_key', stringOf(attributes['traceloop.prompt.key']));
  put(metadata, 'prompt_version', numberOf(attributes['traceloop.prompt.version']));
  put(metadata, 'prompt_version_name', stringOf(attributes['traceloop.prompt.version_name']));
  put(metadata, 'truncated', damageMetadata(damage).truncated);
  return unlessEmpty(metadata);
}

/** LangChain's tools are tasks. Newer releases mark them by the operation, older ones only by the class name. */
function kindOfEntity(span: SpanSlice, entity: unknown): SpanKind {
  const operation = span.attributes['gen_ai.operation.name'];
  if (operation === 'execute_tool') return 'tool';
  const name = span.attributes['traceloop.entity.name'];
  if (entity === 'task' && typeof name === 'string' && name.endsWith('Tool')) return 'tool';
  return ENTITY_KINDS.get(entity) ?? 'generic';
}

function readModelCall(attributes: Attributes, damage: Damage, into: Reading): void {
  const request = attributes['llm.request.type'];
  put(into, 'provider', firstString(attributes, 'gen_ai.provider.name', 'gen_ai.system'));
  if (request !== undefined) into.endpoint = request === 'completion' ? 'complete' : 'chat';
  put(into, 'frequencyPenalty', numberOf(attributes['llm.frequency_penalty']));
  put(into, 'presencePenalty', numberOf(attributes['llm.presence_penalty']));
  put(into, 'stop', stringListOf(attributes['llm.chat.stop_sequences']));
  put(into, 'maxTokens', integerOf(attributes['llm.request.max_tokens']));
  const other: Record<string, unknown> = {};
  put(other, 'top_k', numberOf(attributes['llm.top_k']));
  put(other, 'reasoning_effort', stringOf(attributes['llm.request.reasoning_effort']));
  put(other, 'repetition_penalty', numberOf(attributes['llm.request.repetition_penalty']));
  put(other, 'thinking_type', stringOf(attributes['llm.request.thinking.type']));
  put(other, 'thinking_budget_tokens', numberOf(attributes['llm.request.thinking.budget_tokens']));
  put(into, 'other', unlessEmpty(other));

  const { messages, answers, tools, reasoning, finishReason } = readIndexedMessages(attributes, damage);
  const [answer] = answers;
  const outputMessage = isLostAnswer(answer, finishReason, outputTokensOf(attributes)) ? undefined : answer;
  put(into, 'tools', tools);
  if (messages.length > 0) into.messages = messages;
  put(into, 'outputMessage', outputMessage);
  put(into, 'output', messageText(outputMessage));
  put(
    into,
    'finishReason',
    finishReason ??
      toFinishReason(attributes['llm.response.finish_reason']) ??
      toFinishReason(attributes['llm.response.stop_reason']),
  );
  if (answers.length > 1) reasoning['choices'] = answers.slice(1);
  put(into, 'contentMetadata', unlessEmpty(reasoning));
}

function readEntity(span: SpanSlice, kind: SpanKind | undefined, damage: Damage, into: Reading): void {
  const { attributes } = span;
  const output = readEntityValue(attributes, 'traceloop.entity.output', damage);
  const result = kind === 'tool' && isObject(output) && output['role'] === 'tool' ? output : undefined;
  // The entity name of a LangChain tool is its class; its own name is in its result.
  put(
    into,
    'name',
    stringOf(result?.['name']) ?? firstString(attributes, 'traceloop.entity.name', 'traceloop.workflow.name'),
  );
  put(into, 'inputs', readEntityInputs(readEntityValue(attributes, 'traceloop.entity.input', damage)));
  if (!isVector(span, output)) put(into, 'output', toOptionalText(result ? result['content'] : output));
}

/** LlamaIndex's embeddings are tasks that return a vector, which is left out: it is large and nobody reads it. */
function isVector(span: SpanSlice, output: unknown): boolean {
  return Array.isArray(output) && /embedding/i.test(span.name) && output.every((item) => typeof item === 'number');
}

/** Reads `{ args, kwargs }` of a decorated function: the one object that was passed, and keyword arguments. */
function readEntityInputs(input: unknown): Record<string, unknown> | undefined {
  if (!isObject(input) || !Array.isArray(input['args'])) return inputsOf(input);
  const { args, kwargs } = input as { args: unknown[]; kwargs?: unknown };
  const named = isObject(kwargs) && Object.keys(kwargs).length > 0 ? kwargs : undefined;
  if (args.length === 0) return named ? inputsOf(named) : undefined;
  const first = args.length === 1 ? objectOf(args[0]) : undefined;
  const positional = first ?? { input: args.length === 1 ? args[0] : args };
  return inputsOf({ ...positional, ...named });
}

function readEntityValue(attributes: Attributes, key: string, damage: Damage): unknown {
  const value = attributes[key];
  const parsed = jsonOf(value, damage, key) ?? value;
  return typeof value === 'string' && value.includes('"lc":1') ? fromLangChain(parsed) : parsed;
}

function readPrompt(attributes: Attributes, into: Reading): void {
  put(into, 'promptTemplate', stringOf(attributes['traceloop.prompt.template']));
  if (attributes['traceloop.prompt.key'] === undefined && into.promptTemplate === undefined) return;
  put(into, 'inputs', toPlainObject(fieldsBelow(attributes, 'traceloop.prompt.template_variables.')));
}
