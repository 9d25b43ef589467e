/**
 * HoneyHive for Python: functions that are traced have an event type; what they were given, returned, configured and measured
 * is flattened below `honeyhive_inputs`, `honeyhive_outputs` and their like. Its span processor writes the event type on spans of
 * others, too, which say nothing else of HoneyHive.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { fromRareAnswer } from '../../content/messages/rare-answers.ts';
import { isAnswer, jsonValueAt } from '../../content/provider-bodies.ts';
import { joinChunks } from '../../content/streams/stream-chunks.ts';
import { IN_BODY, UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { nameOf, stringOf, unlessEmpty } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { unflatten } from '../../values/nested-keys.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { typedSpans } from './typed-spans.ts';

type Fields = Record<string, unknown>;

const TYPE = 'honeyhive_event_type';
const NAME = 'honeyhive_event_name';
const INPUTS = 'honeyhive_inputs';
const OUTPUTS = 'honeyhive_outputs';
const CONFIG = 'honeyhive_config';
const METADATA = 'honeyhive_metadata';
const SAID = [INPUTS, OUTPUTS] as const;

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['model', 'model'],
  ['tool', 'tool'],
]);
/** Keys of inputs that hold a conversation. */
const CONVERSATIONS = ['messages', 'chat_history', 'prompt'] as const;

export const honeyHive = typedSpans({
  name: 'honeyhive',
  title: 'HoneyHive',
  context: { session: ['honeyhive.session_id', 'honeyhive_session_id'], user: ['honeyhive_user_id'] },
  signs: { keys: [NAME], prefixes: SAID },

  kindOf({ attributes }: SpanSlice): SpanKind | undefined {
    if (attributes[NAME] === undefined && !saysMore(attributes)) return undefined;
    return KINDS.get(typeOf(attributes)) ?? 'generic';
  },

  isCall: () => false,
  inputs: (fields) => (isCall(fields) ? conversationIn(given(fields)) : given(fields)),
  outputs: returned,
  variables: (fields) => (isCall(fields) ? variablesIn(given(fields)) : undefined),
  model: (fields) => nameOf(objectBelow(fields, CONFIG)?.['model']),
  provider: (fields) => nameOf(objectBelow(fields, CONFIG)?.['provider']),
  template: (fields) => fields.string(`${CONFIG}.template`) ?? objectBelow(fields, CONFIG)?.['template'],
  parameters: (fields) => (isCall(fields) ? parametersIn(objectBelow(fields, CONFIG)) : undefined),
  names: [NAME],
  errorMessage: ['honeyhive_error'],
  facts: (fields) => objectBelow(fields, METADATA) ?? {},
  usage: new UsageTable({ total_cost: ['cost'] }, IN_BODY),
  structure: new FieldTable<Fields>({}),
  app: (fields) => [attachedBy(fields)],
});

function saysMore(attributes: Attributes): boolean {
  for (const key in attributes) if (SAID.some((prefix) => key.startsWith(prefix))) return true;
  return false;
}

function typeOf(attributes: Attributes): string {
  return stringOf(attributes[TYPE])?.toLowerCase() ?? '';
}

function isCall({ attributes }: SpanFields): boolean {
  return typeOf(attributes) === 'model';
}

/** Returns the value at a key, or what was flattened below it; objects and lists within may be JSON. */
function valueBelow(fields: SpanFields, key: string): unknown {
  const whole = fields.attributes[key];
  if (whole !== undefined) return fields.json(key) ?? whole;
  return opened(fields, key, unflatten(fields.attributes, `${key}.`));
}

function objectBelow(fields: SpanFields, key: string): Fields | undefined {
  const value = valueBelow(fields, key);
  return isObject(value) ? value : undefined;
}

function opened(fields: SpanFields, at: string, values: Fields | undefined): Fields | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, structureIn(fields, at, value)]));
}

function structureIn(fields: SpanFields, at: string, value: unknown): unknown {
  return typeof value === 'string' && /^[[{]/.test(value) ? (fields.jsonWithin(at, value) ?? value) : value;
}

/** Before 1.0, the parameters of a function were apart from other inputs. */
function given(fields: SpanFields): unknown {
  const value = valueBelow(fields, INPUTS);
  const { _params_: parameters, ...others } = isObject(value) ? value : {};
  return isObject(parameters) ? { ...opened(fields, INPUTS, parameters), ...others } : value;
}

/** A text is what was said as it is, unless it is the answer of a provider. */
function returned(fields: SpanFields): unknown {
  const key = fields.firstKey(`${OUTPUTS}.result`, OUTPUTS);
  if (key !== undefined) {
    const value = jsonValueAt(fields, key);
    // `null` is what a function returned, and no answer of a model.
    const isLost = value === undefined && isCall(fields);
    return isAnswer(fromRareAnswer(joinChunks(value))) || isLost ? value : fields.attributes[key];
  }
  const value = unflatten(fields.attributes, `${OUTPUTS}.`);
  return value?.['result'] ?? value;
}

function keyOfConversation(inputs: Fields): string | undefined {
  return CONVERSATIONS.find((key) => Array.isArray(inputs[key]) || typeof inputs[key] === 'string');
}

function conversationIn(inputs: unknown): unknown {
  if (!isObject(inputs)) return inputs;
  const key = keyOfConversation(inputs);
  return key === undefined ? undefined : inputs[key];
}

/** What the function was given beside the conversation. */
function variablesIn(inputs: unknown): Fields | undefined {
  if (!isObject(inputs)) return undefined;
  const { [keyOfConversation(inputs) ?? '']: _conversation, ...others } = inputs;
  return unlessEmpty(others);
}

function parametersIn(config: Fields = {}): Fields {
  const { hyperparameters, provider: _provider, template: _template, ...others } = config;
  return { ...others, ...(isObject(hyperparameters) && hyperparameters) };
}

function attachedBy(fields: SpanFields): Fields | undefined {
  const { prompt_tokens, completion_tokens, total_tokens, cost, ...metadata } = objectBelow(fields, METADATA) ?? {};
  const metrics = objectBelow(fields, 'honeyhive_metrics');
  const feedback = objectBelow(fields, 'honeyhive_feedback');
  return { ...metadata, ...(metrics && { metrics }), ...(feedback && { feedback }) };
}
