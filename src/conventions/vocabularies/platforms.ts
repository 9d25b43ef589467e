/**
 * What SDKs of platforms and frameworks write beside, or instead of, the GenAI conventions: the type of a span, and its
 * input and output whole, each under a key of its own. They are those of Pipecat and VoltAgent (plain words),
 * Laminar, LangWatch, AgentOps, CozeLoop, and of LiveKit's turns.
 *
 * A span without a type is read only if the GenAI conventions know what it is.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import type { ModelTool } from '../../wire/v4.ts';
import { inputsOf } from '../content/inputs.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { modelToolsAt, toModelTools, toSchema } from '../content/model-tools.ts';
import { jsonValueAt, readAnswer, readRequest, structureTextAt, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { ownUsage, type Usage, UsageTable, usageDetails, usageOfBody, usageSums } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, costOf, stringOf, tokenOf } from '../values/attributes.ts';
import { millisOfSeconds } from '../values/elapsed.ts';
import { toPlainJson } from '../values/json/plain-json.ts';
import { constantOf } from '../values/printed/enum-member.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const TYPES = ['lmnr.span.type', 'langwatch.span.type', 'agentops.span.kind', 'cozeloop.span_type'] as const;

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['llm', 'model'],
  ['model', 'model'],
  ['tool', 'tool'],
  ['agent', 'agent'],
]);

const INPUTS = [
  ...['agent.messages', 'llm.messages'],
  ...['lmnr.span.input', 'langwatch.input', 'agentops.entity.input', 'cozeloop.input', 'input'],
  ...['lk.user_input', 'lk.pii.user_input'],
] as const;
const OUTPUTS = [
  'lmnr.span.output',
  'langwatch.output',
  'agentops.entity.output',
  'cozeloop.output',
  'output',
] as const;
/** Whatever has one of these is a step at least. */
const STEP_VALUES = ['lmnr.span.input', 'lmnr.span.output', 'langwatch.input', 'langwatch.output'] as const;
const CONTEXTS = 'langwatch.contexts';
const TOOL_INPUTS = ['tool.arguments', 'tool.parameters', ...INPUTS] as const;
const TOOL_OUTPUTS = ['tool.result'] as const;
/** VoltAgent's. Steps inherit the type of their agent, and have their own beside it. */
const ENTITY = ['entity.type', 'entity.id', 'entity.name'] as const;
const METRICS = 'langwatch.metrics';
const PARAMETERS = 'langwatch.params';
const SECONDS_TO_FIRST_BYTE = 'metrics.ttfb';

/** Keys that nobody else has. */
const KEYS: readonly string[] = [
  ...TYPES,
  ...[...INPUTS, ...OUTPUTS].filter((key) => /^(lmnr|langwatch|agentops|cozeloop|lk)\./.test(key)),
  SECONDS_TO_FIRST_BYTE,
];
/** The scopes of Pipecat and VoltAgent. From others, `input` or `entity.type` are words of the app. */
const SCOPES: readonly string[] = ['pipecat', '@voltagent/'];

export const platforms: Convention = {
  name: 'platforms',
  title: 'Pipecat, VoltAgent, Laminar, LangWatch, AgentOps, CozeLoop',
  packages: ['langwatch', '@lmnr-ai/lmnr', '@voltagent/core'],
  signs: { keys: KEYS, scopes: SCOPES },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn = SCOPES.some((beginning) => scopeOf(span).name.startsWith(beginning));
    if (!isOwn && !KEYS.some((key) => attributes[key] !== undefined)) return undefined;
    return genAi.classify(span) ?? kindOf(attributes, isOwn);
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading =
      kind === 'model' ? readModelCall(fields) : kind === 'tool' ? readToolCall(fields) : readStep(fields);
    reading.metadata = addTo<Record<string, unknown>>(
      { time_to_first_chunk_ms: millisOfSeconds(fields.attributes[SECONDS_TO_FIRST_BYTE]) },
      reading.metadata,
    );
    if (genAi.classify(span) !== undefined) return reading;
    const general = genAi.read(span, kind, fields);
    const metadata = addTo(reading.metadata, general.metadata);
    return addTo(general, { error: readError(span), ...reading, metadata });
  },
};

function kindOf(attributes: Attributes, isOwn: boolean): SpanKind | undefined {
  for (const key of TYPES) {
    const type = attributes[key];
    if (typeof type === 'string' && type !== '') return KINDS.get(constantOf(type)) ?? 'generic';
  }
  // Laminar's decorators give no type to a step.
  if (STEP_VALUES.some((key) => attributes[key] !== undefined)) return 'generic';
  if (!isOwn || !ENTITY.every((key) => attributes[key] !== undefined)) return undefined;
  return KINDS.get(stringOf(attributes['span.type'] ?? attributes['entity.type']) ?? '');
}

const USAGE = new UsageTable(
  {
    promptTokens: ['usage.prompt_tokens'],
    outputTokens: ['usage.completion_tokens'],
    total_tokens: ['usage.total_tokens'],
  },
  ['usage.'],
);

function readUsage(fields: SpanFields): Usage {
  const metrics = valueAt(fields, [METRICS]);
  const total_cost = isObject(metrics) ? costOf(metrics['cost']) : undefined;
  const usage = addTo<Usage>({ ...USAGE.read(fields.attributes, fields.keys) }, usageOfBody({ usage: metrics }));
  return addTo(usage, { total_cost });
}

function readModelCall(fields: SpanFields): Reading {
  const reader = new MessageReader();
  const input = valueAt(fields, INPUTS);
  const messages = input === undefined ? [] : reader.read(input);
  const usage = readUsage(fields);
  const said = valueAt(fields, OUTPUTS) ?? saidOn(fields);
  const answer = readAnswer(said, reader, usage.outputTokens, textAt(fields, OUTPUTS));
  const heard = heardOn(fields);
  if (heard !== undefined && messages.length === 0) messages.push({ role: 'user', content: heard });
  return addTo<Reading>(
    {
      model: fields.firstName('ai.model.name', 'llm.model'),
      provider: fields.firstName('ai.model.provider', 'llm.provider'),
      endpoint: 'chat',
      temperature: fields.number('llm.temperature'),
      topP: fields.number('llm.top_p'),
      maxTokens: fields.integer('llm.max_output_tokens'),
      finishReason: toFinishReason(fields.attributes['llm.finish_reason']),
      tools: toolsByName(fields) ?? modelToolsAt(fields, 'tools') ?? modelToolsAt(fields, 'tools.definitions'),
      messages: messages.length > 0 ? messages : undefined,
      ...answer,
      ...ownUsage(usage),
      metadata: { ...usageDetails(usage), ...readPrompt(fields) },
      contentMetadata: addTo(metadataOfMessages(reader), answer.contentMetadata),
    },
    readRequest(objectAt(fields, PARAMETERS) ?? {}),
  );
}

/** VoltAgent joins their names: `get_weather, get_time`. */
function toolsByName(fields: SpanFields): ModelTool[] | undefined {
  const names = fields.string('llm.tools');
  return names !== undefined && /^[\w-]+(?:, ?[\w-]+)*$/.test(names) ? toModelTools(names.split(/, ?/)) : undefined;
}

function objectAt(fields: SpanFields, key: string): Record<string, unknown> | undefined {
  const value = valueAt(fields, [key]);
  return isObject(value) ? value : undefined;
}

/** The prompt of LangWatch that a call was made with. */
function readPrompt(fields: SpanFields): Record<string, unknown> {
  return {
    prompt_name: tokenOf(fields.attributes['langwatch.prompt.handle'] ?? fields.attributes['langwatch.prompt.id']),
    prompt_version: fields.integer('langwatch.prompt.version.number'),
  };
}

function readToolCall(fields: SpanFields): Reading {
  // VoltAgent's is the schema of what the tool was given, which stands beside it; AgentOps has the arguments here.
  const parameters = fields.firstKey(...INPUTS) && fields.object('tool.parameters');
  const schema = parameters?.['type'] === 'object' ? toSchema(parameters) : undefined;
  return {
    name: fields.firstString('tool.function_name', 'tool.name', 'agentops.entity.name'),
    description: fields.firstString('tool.description'),
    toolParameters: schema,
    inputs: inputsOf(valueAt(fields, schema ? INPUTS : TOOL_INPUTS)),
    output: toStepOutput(valueAt(fields, [...TOOL_OUTPUTS, ...OUTPUTS])),
    metadata: { tool_call_id: fields.firstName('tool.call_id', 'tool.call.id') },
  };
}

/** A step that hears has a transcript as its result, and one that speaks has its text as its input. */
function readStep(fields: SpanFields): Reading {
  const spoken = fields.attributes['gen_ai.output.type'] === 'speech' ? fields.string('text') : undefined;
  const found = valueAt(fields, [CONTEXTS]);
  const output = valueAt(fields, [...OUTPUTS, ...TOOL_OUTPUTS]) ?? saidOn(fields);
  const inputs = inputsOf(valueAt(fields, [...INPUTS, ...TOOL_INPUTS]) ?? heardOn(fields) ?? spoken);
  return {
    name: fields.firstString('tool.function_name', 'agentops.entity.name', 'operation.name', 'entity.name'),
    // What was found is the result of a search, and goes into an answer that has words of its own.
    inputs: output === undefined || found === undefined ? inputs : { contexts: toPlainJson(found), ...inputs },
    output: toStepOutput(output ?? found),
    metadata: usageSums(readUsage(fields)),
  };
}

function saidOn(fields: SpanFields): string | undefined {
  return fields.string('text_output') ?? (isHeard(fields) ? undefined : fields.string('transcript'));
}

function heardOn(fields: SpanFields): string | undefined {
  return isHeard(fields) ? fields.string('transcript') : undefined;
}

/** Whether the transcript is of what went into a model that hears and speaks. */
function isHeard({ attributes }: SpanFields): boolean {
  return attributes['transcript.is_input'] === true;
}

/** Returns the first value, without LangWatch's `{ type, value }`. */
function valueAt(fields: SpanFields, keys: readonly string[]): unknown {
  const key = fields.firstKey(...keys);
  if (key === undefined) return undefined;
  const value = jsonValueAt(fields, key);
  return openTyped(typeof value === 'string' ? (typedIn(fields, key) ?? value) : value);
}

/** Returns the text of the value as it stands there, unless it is in LangWatch's `{ type, value }`. */
function textAt(fields: SpanFields, keys: readonly string[]): string | undefined {
  const key = fields.firstKey(...keys);
  return key === undefined || isTyped(fields.structure(key)) ? undefined : structureTextAt(fields, key);
}

/** LangWatch's values may have been encoded twice, or printed by Python. What else is printed so is what was said. */
function typedIn(fields: SpanFields, key: string): unknown {
  const value = key.startsWith('langwatch.') ? fields.object(key) : undefined;
  return isTyped(value) || key === PARAMETERS || key === METRICS ? value : undefined;
}

const VALUE_TYPES: ReadonlySet<unknown> = new Set(['text', 'raw', 'chat_messages', 'json', 'list']);

function isTyped(value: unknown): value is Record<string, unknown> {
  return isObject(value) && VALUE_TYPES.has(value['type']) && 'value' in value && Object.keys(value).length === 2;
}

function openTyped(value: unknown): unknown {
  if (!isTyped(value)) return value;
  const inner = value['value'];
  return value['type'] === 'list' && Array.isArray(inner) ? inner.map(openTyped) : (inner ?? value);
}
