/**
 * OpenLLMetry (Traceloop), JavaScript and Python: `gen_ai.prompt.N.*` and `llm.*` of the old releases, and the entities of its SDK
 * (`traceloop.*`). The new releases write plain GenAI conventions, which `gen-ai.ts` reads; here is what they add.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../otel.ts';
import {
  type Damage,
  defined,
  definedOrNone,
  firstCount,
  firstNumber,
  firstString,
  integerOf,
  isObject,
  jsonOf,
  numberOf,
  objectOf,
  stringListOf,
  stringOf,
} from './attributes.ts';
import type { Convention, Reading, SpanKind } from './convention.ts';
import { damageMetadata } from './damage.ts';
import { toFinishReason } from './finish-reason.ts';
import { genAi } from './gen-ai.ts';
import { prefixed } from './indexed-groups.ts';
import { inputsOf } from './inputs.ts';
import { fromLangChain } from './langchain-json.ts';
import { isLostAnswer, messageText } from './messages.ts';
import { readIndexedMessages } from './openllmetry-messages.ts';
import { plainJson, textOrJson } from './plain-json.ts';
import { readError } from './read-error.ts';

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

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const entity = attributes['traceloop.span.kind'];
    if (entity !== undefined) return entityKind(span, entity);
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
    const own = kind === 'model' ? readModel(attributes, damage) : readEntity(span, kind, damage);
    const error = readError(span, own.finishReason === undefined ? {} : { finishReason: own.finishReason });
    return defined<Reading>({
      ...own,
      ...readPrompt(attributes),
      error,
      contentMetadata: definedOrNone<Record<string, unknown>>({
        ...(plainJson(prefixed(attributes, 'traceloop.association.properties.')) as
          | Record<string, unknown>
          | undefined),
        ...own.contentMetadata,
      }),
      metadata: definedOrNone<Record<string, unknown>>({
        workflow:
          kind === 'model' || own.name !== stringOf(attributes['traceloop.workflow.name'])
            ? stringOf(attributes['traceloop.workflow.name'])
            : undefined,
        entity_path: stringOf(attributes['traceloop.entity.path']),
        prompt_key: stringOf(attributes['traceloop.prompt.key']),
        prompt_version: numberOf(attributes['traceloop.prompt.version']),
        prompt_version_name: stringOf(attributes['traceloop.prompt.version_name']),
        ...damageMetadata(damage),
      }),
    });
  },
};

/** LangChain's tools are tasks; newer releases say so in the operation, older ones in the class name only. */
function entityKind(span: SpanSlice, entity: unknown): SpanKind {
  const operation = span.attributes['gen_ai.operation.name'];
  if (operation === 'execute_tool') return 'tool';
  const name = span.attributes['traceloop.entity.name'];
  if (entity === 'task' && typeof name === 'string' && name.endsWith('Tool')) return 'tool';
  return ENTITY_KINDS.get(entity) ?? 'generic';
}

function readModel(attributes: Attributes, damage: Damage): Reading {
  const request = attributes['llm.request.type'];
  const { messages, answers, tools, reasoning, finishReason } = readIndexedMessages(attributes, damage);
  const outputTokens = firstCount(attributes, 'gen_ai.usage.completion_tokens', 'gen_ai.usage.output_tokens');
  const outputMessage = isLostAnswer(answers[0], finishReason, outputTokens) ? undefined : answers[0];
  return {
    endpoint: request === undefined ? undefined : request === 'completion' ? 'complete' : 'chat',
    frequencyPenalty: numberOf(attributes['llm.frequency_penalty']),
    presencePenalty: numberOf(attributes['llm.presence_penalty']),
    stop: stringListOf(attributes['llm.chat.stop_sequences']),
    maxTokens: integerOf(attributes['llm.request.max_tokens']),
    tools,
    other: definedOrNone<Record<string, unknown>>({
      top_k: numberOf(attributes['llm.top_k']),
      reasoning_effort: firstString(attributes, 'llm.request.reasoning_effort'),
      repetition_penalty: numberOf(attributes['llm.request.repetition_penalty']),
      thinking_type: stringOf(attributes['llm.request.thinking.type']),
      thinking_budget_tokens: firstNumber(attributes, 'llm.request.thinking.budget_tokens'),
    }),
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    finishReason:
      finishReason ??
      toFinishReason(attributes['llm.response.finish_reason']) ??
      toFinishReason(attributes['llm.response.stop_reason']),
    contentMetadata: definedOrNone<Record<string, unknown>>({
      ...reasoning,
      choices: answers.length > 1 ? answers.slice(1) : undefined,
    }),
  } as Reading;
}

function readEntity(span: SpanSlice, kind: SpanKind | undefined, damage: Damage): Reading {
  const { attributes } = span;
  const input = entityValue(attributes, 'traceloop.entity.input', damage);
  const output = entityValue(attributes, 'traceloop.entity.output', damage);
  const result = kind === 'tool' && isObject(output) && output['role'] === 'tool' ? output : undefined;
  const name = firstString(attributes, 'traceloop.entity.name', 'traceloop.workflow.name');
  return {
    // The class of a LangChain tool is its entity name; its own name is in what it answers.
    name: kind === 'tool' ? (stringOf(result?.['name']) ?? name) : name,
    inputs: entityInputs(input),
    output: output === undefined || output === null ? undefined : textOrJson(result ? result['content'] : output),
  } as Reading;
}

/** `{ args, kwargs }` of the decorated function: keyword arguments, or the one object that was passed. */
function entityInputs(input: unknown): Record<string, unknown> | undefined {
  if (!isObject(input) || !Array.isArray(input['args'])) return inputsOf(input);
  const { args, kwargs } = input as { args: unknown[]; kwargs?: unknown };
  const named = isObject(kwargs) && Object.keys(kwargs).length > 0 ? kwargs : undefined;
  if (args.length === 0) return named ? inputsOf(named) : undefined;
  const first = args.length === 1 ? objectOf(args[0]) : undefined;
  const positional = first ?? { input: args.length === 1 ? args[0] : args };
  return inputsOf({ ...positional, ...named });
}

function entityValue(attributes: Attributes, key: string, damage: Damage): unknown {
  const value = attributes[key];
  const parsed = jsonOf(value, damage, key) ?? value;
  return typeof value === 'string' && value.includes('"lc":1') ? fromLangChain(parsed) : parsed;
}

function readPrompt(attributes: Attributes): Reading {
  if (attributes['traceloop.prompt.key'] === undefined && attributes['traceloop.prompt.template'] === undefined)
    return {};
  return defined<Reading>({
    promptTemplate: stringOf(attributes['traceloop.prompt.template']),
    inputs: plainJson(prefixed(attributes, 'traceloop.prompt.template_variables.')) as
      | Record<string, unknown>
      | undefined,
  });
}
