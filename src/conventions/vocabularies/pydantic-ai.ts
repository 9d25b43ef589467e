/**
 * Pydantic AI, instrumentation versions 1 to 5: GenAI conventions, and what the earlier ones write instead (`events`,
 * `tool_arguments`, `all_messages_events`). An agent has all its messages in one attribute.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader, reasoningMetadata } from '../content/messages.ts';
import { toModelTools } from '../content/model-tools.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import {
  countOf,
  type Damage,
  firstCount,
  firstValue,
  listOf,
  objectOf,
  omitUndefined,
  stringOf,
  unlessEmpty,
} from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { toPlainJson } from '../values/plain-json.ts';
import { genAi } from './gen-ai/gen-ai.ts';

type Fields = Record<string, unknown>;

const SCOPE = 'pydantic-ai';
const ALL_MESSAGES = ['pydantic_ai.all_messages', 'all_messages_events', 'all_messages'] as const;

export const pydanticAi: Convention = {
  name: 'pydantic-ai',
  signs: { keys: ['model_request_parameters', 'pydantic_ai.all_messages', 'all_messages_events'], scopes: [SCOPE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn =
      scopeOf(span).name === SCOPE ||
      attributes['model_request_parameters'] !== undefined ||
      attributes['pydantic_ai.all_messages'] !== undefined ||
      attributes['all_messages_events'] !== undefined;
    if (!isOwn) return undefined;
    const kind = genAi.classify(span);
    if (kind !== undefined) return kind;
    if (attributes['tool_arguments'] !== undefined) return 'tool';
    return attributes['agent_name'] === undefined ? undefined : 'agent';
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const kind = pydanticAi.classify(span);
    const { metadata, ...content } =
      kind === 'tool'
        ? readToolCall(attributes, damage)
        : kind === 'agent'
          ? readRun(attributes, damage)
          : readModelCall(attributes, damage);
    return omitUndefined<Reading>({ ...content, metadata: { ...metadata, ...damageMetadata(damage) } });
  },
};

function readToolCall(attributes: Attributes, damage: Damage): Reading {
  return omitUndefined<Reading>({
    inputs: inputsOf(attributes['tool_arguments'], damage, 'tool_arguments'),
    output: toStepOutput(attributes['tool_response']),
  });
}

/** The last answer of a run is its output; all messages before it are its messages. */
function readRun(attributes: Attributes, damage: Damage): Reading {
  const key = ALL_MESSAGES.find((name) => attributes[name] !== undefined);
  const reader = new MessageReader();
  const all = key === undefined ? [] : reader.read(withRoles(listOf(attributes[key], damage, key)));
  const last = all.at(-1)?.role === 'assistant' ? all.pop() : undefined;
  return omitUndefined<Reading>({
    name: stringOf(attributes['gen_ai.agent.name']) ?? stringOf(attributes['agent_name']),
    model: stringOf(attributes['gen_ai.request.model']) ?? stringOf(attributes['model_name']),
    messages: all.length > 0 ? all : undefined,
    outputMessage: last,
    output: toStepOutput(attributes['final_result']) ?? messageText(last),
    metadata: omitUndefined<Fields>({ usage: readAggregate(attributes) }),
  });
}

function readAggregate(attributes: Attributes): Fields | undefined {
  return unlessEmpty(
    omitUndefined<Fields>({
      prompt_tokens: firstCount(attributes, 'gen_ai.aggregated_usage.input_tokens', 'gen_ai.usage.input_tokens'),
      output_tokens: firstCount(attributes, 'gen_ai.aggregated_usage.output_tokens', 'gen_ai.usage.output_tokens'),
      cache_read_tokens: countOf(attributes['gen_ai.aggregated_usage.details.cache_read_tokens']),
      reasoning_tokens: countOf(attributes['gen_ai.aggregated_usage.details.reasoning_tokens']),
    }),
  );
}

function readModelCall(attributes: Attributes, damage: Damage): Reading {
  const key = 'model_request_parameters';
  const parameters = objectOf(attributes[key], damage, key) ?? {};
  const tools = [parameters['function_tools'], parameters['output_tools']].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  const schema = objectOf(parameters['output_object']);
  return omitUndefined<Reading>({
    ...readEvents(attributes, damage),
    // The list in the GenAI attribute is as the provider got it.
    tools: attributes['gen_ai.tool.definitions'] === undefined ? toModelTools(tools) : undefined,
    responseFormat: schema && parameters['output_mode'] === 'native' ? { type: 'json_object' } : undefined,
    other: schema && { schema: toPlainJson(schema['json_schema'] ?? schema) },
  });
}

/** Version 1 writes a JSON list of events, one for each message and each choice. */
function readEvents(attributes: Attributes, damage: Damage): Reading {
  const events = withRoles(listOf(attributes['events'], damage, 'events'));
  if (events.length === 0) return {};
  const reader = new MessageReader();
  const isChoice = (event: unknown) => isObject(event) && event['event.name'] === 'gen_ai.choice';
  const messages = reader.read(events.filter((event) => !isChoice(event)));
  const [outputMessage] = reader.readOutput(events.filter(isChoice));
  return omitUndefined<Reading>({
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    contentMetadata: unlessEmpty(reasoningMetadata(reader)),
  });
}

/** An event without a role has it in its name. A tool's answer names its call in `id`. */
function withRoles(events: readonly unknown[] | undefined): unknown[] {
  return (events ?? []).map((event) => {
    if (!isObject(event) || typeof event['event.name'] !== 'string') return event;
    const role = /^gen_ai\.(system|user|assistant|tool)\.message$/.exec(event['event.name'])?.[1];
    return { ...event, role: event['role'] ?? role, tool_call_id: firstValue(event, ['tool_call_id', 'id']) };
  });
}
