/**
 * Ant Group's agentUniverse: calls of models, agents and tools. What they were given is the arguments of a function of Python.
 * LoongSuite adds the GenAI conventions to the same spans.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { jsonValueAt } from '../../content/provider-bodies.ts';
import { UsageTable } from '../../content/usage.ts';
import type { Convention, SpanKind } from '../../convention.ts';
import { nameOf, numberOf, objectOf, stringOf } from '../../values/attributes.ts';
import { millisOfSeconds } from '../../values/elapsed.ts';
import { FieldTable } from '../../values/field-table.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { typedSpans } from './typed-spans.ts';

type Fields = Record<string, unknown>;

const KIND = 'au.span.kind';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
  ['agent', 'agent'],
]);

const spans = typedSpans({
  name: 'agent-universe',
  title: 'agentUniverse',
  context: { session: ['au.trace.session.id'] },
  signs: { keys: [KIND] },

  kindOf({ attributes }: SpanSlice): SpanKind | undefined {
    const kind = stringOf(attributes[KIND]);
    return kind === undefined ? undefined : (KINDS.get(kind) ?? 'generic');
  },

  isCall: () => false,
  inputs: given,
  outputs: returned,
  // The name that the app gave to the model, if the call names no other.
  model: (fields) => (isCall(fields) ? (nameOf(requestOf(fields)['model']) ?? nameAt(fields)) : undefined),
  parameters: parametersOf,
  names: nameAt,
  errorMessage: failureOf,
  facts,
  usage: new UsageTable(
    {
      promptTokens: ['usage.prompt_tokens'],
      outputTokens: ['usage.completion_tokens'],
      total_tokens: ['usage.total_tokens'],
    },
    ['usage.'],
  ),
  structure: new FieldTable<Fields>({
    channel: [nameOf, 'channel_name'],
    time_to_first_chunk_ms: [millisOfSeconds, 'first_token.duration'],
  }),
});

export const agentUniverse: Convention = {
  ...spans,
  read(span, kind, fields) {
    const reading = spans.read(span, kind, fields);
    const type = fields.firstName(ownKey(fields, 'error.type'));
    if (reading.error && type !== undefined) reading.error = { ...reading.error, type };
    return reading;
  },
};

function isCall({ attributes }: SpanFields): boolean {
  return attributes[KIND] === 'llm';
}

/** Attributes of a span begin with its kind. */
function ownKey({ attributes }: SpanFields, name: string): string {
  return `au.${attributes[KIND]}.${name}`;
}

function nameAt(fields: SpanFields): string | undefined {
  return fields.firstName(ownKey(fields, 'name'));
}

/** A call's arguments are the request; those of a tool may be an object of its own. */
function given(fields: SpanFields): unknown {
  if (isCall(fields)) return conversationIn(requestOf(fields));
  const inputs = fields.structure(ownKey(fields, 'input'));
  const only = isObject(inputs) && Object.keys(inputs).length === 1 ? objectOf(inputs['tool_input']) : undefined;
  return only ?? inputs;
}

/** Keyword arguments stand below `kwargs`, and those without names in `args`. */
function requestOf(fields: SpanFields): Fields {
  const { kwargs, args, ...named } = fields.object(ownKey(fields, 'input')) ?? {};
  const first = Array.isArray(args) ? args[0] : undefined;
  const prompt = first === undefined ? {} : { [typeof first === 'string' ? 'prompt' : 'messages']: first };
  return { ...prompt, ...named, ...objectOf(kwargs) };
}

function conversationIn({ messages, prompt, input }: Fields): unknown {
  return messages ?? prompt ?? input;
}

function parametersOf(fields: SpanFields): Fields | undefined {
  if (!isCall(fields)) return undefined;
  const { callbacks: _callbacks, ...request } = requestOf(fields);
  const { temperature } = fields.object(ownKey(fields, 'llm_params')) ?? {};
  const stream = fields.attributes[ownKey(fields, 'streaming')];
  // A negative one stands for the model's own.
  return { ...(isGiven(temperature) && { temperature }), stream, ...request };
}

function isGiven(temperature: unknown): boolean {
  return (numberOf(temperature) ?? -1) >= 0;
}

/** What a model said is a text, and all else JSON. */
function returned(fields: SpanFields): unknown {
  const key = ownKey(fields, 'output');
  if (isCall(fields)) return fields.attributes[key];
  const value = jsonValueAt(fields, key);
  return isObject(value) && Object.keys(value).length === 1 && 'output' in value ? value['output'] : value;
}

/** The message is the whole traceback, whose last line names the error. */
function failureOf(fields: SpanFields): string | undefined {
  if (fields.string(ownKey(fields, 'status')) !== 'error') return undefined;
  return (
    stringOf(fields.span.status.message) ?? fields.string(ownKey(fields, 'error.message'))?.trim().split('\n').at(-1)
  );
}

/** Attributes of the span without their beginning, and the details of the tokens, which are JSON. */
function facts(fields: SpanFields): Attributes {
  const beginning = ownKey(fields, '');
  const found: Fields = {};
  for (const key of fields.keys) {
    if (key.startsWith(beginning)) found[key.slice(beginning.length)] = fields.attributes[key];
  }
  const usage = fields.object(`${beginning}usage.detail_tokens`) ?? {};
  for (const [side, details] of Object.entries(usage)) {
    if (!isObject(details)) continue;
    for (const [name, count] of Object.entries(details)) found[`usage.${side}.${name}`] = count;
  }
  // Without a stream, the first token is the whole answer.
  if (found['streaming'] !== true) delete found['first_token.duration'];
  return found as Attributes;
}
