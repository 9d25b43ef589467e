/**
 * Pydantic AI, instrumentation versions 1 to 5: GenAI conventions, and what the earlier ones write instead (`events`,
 * `tool_arguments`, `all_messages_events`). An agent has all its messages in one attribute.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsAt } from '../content/inputs.ts';
import { readEventList, withRoles } from '../content/messages/event-list.ts';
import { MessageReader } from '../content/messages/messages.ts';
import { toModelTools } from '../content/model-tools.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import { UsageTable, usageSums } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { objectOf } from '../values/attributes.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { withSystem } from './gen-ai/content.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SCOPE = 'pydantic-ai';

export const pydanticAi: Convention = {
  name: 'pydantic-ai',
  title: 'Pydantic AI',
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

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    if (kind === 'tool') return readToolCall(fields);
    return kind === 'agent' ? readRun(fields) : readModelCall(fields);
  },
};

function readToolCall(fields: SpanFields): Reading {
  return {
    inputs: inputsAt(fields, 'tool_arguments'),
    output: toStepOutput(fields.attributes['tool_response']),
  };
}

/** The last answer of a run is its output; all messages before it are its messages. */
function readRun(fields: SpanFields): Reading {
  const key = fields.firstKey('pydantic_ai.all_messages', 'all_messages_events', 'all_messages');
  const reader = new MessageReader();
  const all = key === undefined ? [] : reader.read(withRoles(fields.list(key)));
  const last = all.at(-1)?.role === 'assistant' ? all.pop() : undefined;
  const messages = withSystem(reader.readSystem(fields.structure('gen_ai.system_instructions')), all);
  return {
    name: fields.firstString('gen_ai.agent.name', 'agent_name'),
    model: fields.firstName('gen_ai.request.model', 'model_name'),
    messages: messages.length > 0 ? messages : undefined,
    outputMessage: last,
    output: toStepOutput(fields.attributes['final_result']) ?? messageText(last),
    metadata: usageSums(USAGE.read(fields.attributes, fields.keys)),
    contentMetadata: toPlainObject(fields.object('metadata')),
  };
}

const USAGE = new UsageTable(
  {
    promptTokens: ['gen_ai.aggregated_usage.input_tokens', 'gen_ai.usage.input_tokens'],
    outputTokens: ['gen_ai.aggregated_usage.output_tokens', 'gen_ai.usage.output_tokens'],
    cache_read_tokens: ['gen_ai.aggregated_usage.details.cache_read_tokens'],
    reasoning_tokens: ['gen_ai.aggregated_usage.details.reasoning_tokens'],
  },
  ['gen_ai.aggregated_usage.', 'gen_ai.aggregated_usage.details.', 'gen_ai.usage.details.'],
);

function readModelCall(fields: SpanFields): Reading {
  const parameters = fields.object('model_request_parameters') ?? {};
  const tools = [parameters['function_tools'], parameters['output_tools']].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  const schema = objectOf(parameters['output_object']);
  return {
    // The list in the GenAI attribute is as the provider got it.
    tools: fields.attributes['gen_ai.tool.definitions'] === undefined ? toModelTools(tools) : undefined,
    responseFormat: schema && parameters['output_mode'] === 'native' ? { type: 'json_object' } : undefined,
    other: schema && { schema: toPlainJson(schema['json_schema'] ?? schema) },
    ...readEventList(fields.list('events')),
  };
}
