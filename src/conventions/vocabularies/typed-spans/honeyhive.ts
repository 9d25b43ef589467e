/**
 * HoneyHive for Python: functions that are traced have an event type; what they were given, returned, configured and measured
 * is flattened below `honeyhive_inputs`, `honeyhive_outputs` and their like. Its span processor writes the event type on spans of
 * others, too, which say nothing else of HoneyHive.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { isAnswer, jsonValueAt } from '../../content/provider-bodies.ts';
import { IN_BODY, UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { jsonOf, nameOf, stringOf } from '../../values/attributes.ts';
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
    return KINDS.get(stringOf(attributes[TYPE])?.toLowerCase() ?? '') ?? 'generic';
  },

  isCall: () => false,
  inputs: ({ attributes }) => (isCall(attributes) ? conversationIn(given(attributes)) : given(attributes)),
  outputs: returned,
  variables: ({ attributes }) => (isCall(attributes) ? variablesIn(given(attributes)) : undefined),
  model: ({ attributes }) => nameOf(objectBelow(attributes, CONFIG)?.['model']),
  provider: ({ attributes }) => nameOf(objectBelow(attributes, CONFIG)?.['provider']),
  parameters: ({ attributes }) => (isCall(attributes) ? parametersIn(objectBelow(attributes, CONFIG)) : undefined),
  names: [NAME],
  errorMessage: 'honeyhive_error',
  facts: ({ attributes }) => objectBelow(attributes, METADATA) ?? {},
  usage: new UsageTable({ total_cost: ['cost'] }, IN_BODY),
  structure: new FieldTable<Fields>({}),
  app: ({ attributes }) => [attachedBy(attributes)],
});

function saysMore(attributes: Attributes): boolean {
  for (const key in attributes) if (SAID.some((prefix) => key.startsWith(prefix))) return true;
  return false;
}

function isCall(attributes: Attributes): boolean {
  return stringOf(attributes[TYPE])?.toLowerCase() === 'model';
}

/** Returns the value at a key, or what was flattened below it; objects and lists within may be JSON. */
function valueBelow(attributes: Attributes, key: string): unknown {
  const whole = attributes[key];
  return whole === undefined ? opened(unflatten(attributes, `${key}.`)) : (jsonOf(whole) ?? whole);
}

function objectBelow(attributes: Attributes, key: string): Fields | undefined {
  const value = valueBelow(attributes, key);
  return isObject(value) ? value : undefined;
}

function opened(fields: Fields | undefined): Fields | undefined {
  if (fields === undefined) return undefined;
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, structureIn(value)]));
}

function structureIn(value: unknown): unknown {
  return typeof value === 'string' && /^[[{]/.test(value) ? (jsonOf(value) ?? value) : value;
}

/** Before 1.0, the parameters of a function were apart from other inputs. */
function given(attributes: Attributes): unknown {
  const value = valueBelow(attributes, INPUTS);
  const { _params_: parameters, ...others } = isObject(value) ? value : {};
  return isObject(parameters) ? { ...opened(parameters), ...others } : value;
}

/** A text is what was said as it is, unless it is the answer of a provider. */
function returned(fields: SpanFields): unknown {
  const key = fields.firstKey(`${OUTPUTS}.result`, OUTPUTS);
  if (key !== undefined) {
    const value = jsonValueAt(fields, key);
    return isAnswer(value) ? value : fields.attributes[key];
  }
  const value = unflatten(fields.attributes, `${OUTPUTS}.`);
  return value?.['result'] ?? value;
}

function conversationIn(inputs: unknown): unknown {
  if (!isObject(inputs)) return inputs;
  for (const key of CONVERSATIONS) {
    const value = inputs[key];
    if (Array.isArray(value) || typeof value === 'string') return value;
  }
  return undefined;
}

function variablesIn(inputs: unknown): Fields | undefined {
  return isObject(inputs) && conversationIn(inputs) === undefined ? inputs : undefined;
}

function parametersIn(config: Fields = {}): Fields {
  const { hyperparameters, provider: _provider, template: _template, ...others } = config;
  return { ...others, ...(isObject(hyperparameters) && hyperparameters) };
}

function attachedBy(attributes: Attributes): Fields | undefined {
  const { prompt_tokens, completion_tokens, total_tokens, cost, ...metadata } = objectBelow(attributes, METADATA) ?? {};
  const metrics = objectBelow(attributes, 'honeyhive_metrics');
  const feedback = objectBelow(attributes, 'honeyhive_feedback');
  return { ...metadata, ...(metrics && { metrics }), ...(feedback && { feedback }) };
}
