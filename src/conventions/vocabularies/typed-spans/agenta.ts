/**
 * Agenta: the node's type, and below `ag.data.` what it was given and returned. Objects are flattened into keys down to some
 * depth; what is below it is JSON with a mark in front.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { jsonOf, nameOf, stringOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { unflatten } from '../../values/nested-keys.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { typedSpans } from './typed-spans.ts';

type Fields = Record<string, unknown>;

const TYPE = 'ag.type.node';
const INPUTS = 'ag.data.inputs';
const OUTPUTS = 'ag.data.outputs';
const CONFIGURATION = 'ag.meta.configuration';
const MARK = '@ag.type=';
/** What is returned without a name has this one. */
const UNNAMED = '__default__';

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['chat', 'model'],
  ['completion', 'model'],
  ['generation', 'model'],
  ['tool', 'tool'],
  ['agent', 'agent'],
]);
const OTHER_CALLS: ReadonlySet<unknown> = new Set(['embedding', 'rerank']);

export const agenta = typedSpans({
  name: 'agenta',
  title: 'Agenta',
  context: { session: ['ag.session.id'], user: ['ag.user.id'] },
  signs: { keys: [TYPE] },

  kindOf(span: SpanSlice): SpanKind | undefined {
    const type = stringOf(span.attributes[TYPE]);
    return type === undefined ? undefined : (KINDS.get(type.toLowerCase()) ?? genAi.classify(span) ?? 'generic');
  },

  isCall: ({ attributes }) => OTHER_CALLS.has(attributes[TYPE]),
  inputs: ({ attributes }) =>
    isCall(attributes) ? promptIn(valueBelow(attributes, INPUTS)) : valueBelow(attributes, INPUTS),
  outputs: ({ attributes }) => (isCall(attributes) ? saidIn(valueBelow(attributes, OUTPUTS)) : returnedIn(attributes)),
  model: ({ attributes }) =>
    nameOf(configurationOf(attributes)?.['model']) ?? nameOf(attributes['ag.meta.request.model']),
  provider: ['ag.meta.system'],
  parameters: ({ attributes }) => (isCall(attributes) ? configurationOf(attributes) : undefined),
  names: [],
  usage: new UsageTable({
    promptTokens: ['ag.metrics.unit.tokens.prompt'],
    outputTokens: ['ag.metrics.unit.tokens.completion'],
    total_tokens: ['ag.metrics.unit.tokens.total'],
    total_cost: ['ag.metrics.unit.costs.total'],
  }),
  structure: new FieldTable<Fields>({}),
});

function isCall(attributes: Attributes): boolean {
  return KINDS.get(`${attributes[TYPE]}`.toLowerCase()) === 'model';
}

function configurationOf(attributes: Attributes): Fields | undefined {
  const configuration = valueBelow(attributes, CONFIGURATION);
  return isObject(configuration) ? configuration : undefined;
}

/** Returns the value at a key, or what was flattened below it. */
function valueBelow(attributes: Attributes, key: string): unknown {
  const whole = attributes[key];
  return whole === undefined ? unmarked(unflatten(attributes, `${key}.`)) : unmarked(whole);
}

function unmarked(value: unknown): unknown {
  if (typeof value === 'string') {
    if (!value.startsWith(MARK)) return value;
    const json = value.slice(value.indexOf(':') + 1);
    return json === '' ? undefined : (jsonOf(json) ?? json);
  }
  if (Array.isArray(value)) return value.map(unmarked);
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unmarked(item)]))
    : value;
}

function promptIn(given: unknown): unknown {
  const inputs = typeof given === 'string' ? (jsonOf(given) ?? given) : given;
  const { prompt = inputs } = isObject(inputs) ? inputs : {};
  return isObject(prompt) && Array.isArray(prompt['messages']) ? prompt['messages'] : prompt;
}

/** Of several choices, the first is the answer. */
function saidIn(returned: unknown): unknown {
  const outputs = typeof returned === 'string' && returned.startsWith('{') ? jsonOf(returned) : returned;
  const { completion = returnedOf(outputs) } = isObject(outputs) ? outputs : {};
  if (!Array.isArray(completion) || completion.length === 0) return completion ?? returned;
  return completion.length === 1 ? completion[0] : completion.map((message: unknown) => ({ message }));
}

function returnedIn(attributes: Attributes): unknown {
  return returnedOf(valueBelow(attributes, OUTPUTS));
}

function returnedOf(outputs: unknown): unknown {
  return isObject(outputs) && Object.keys(outputs).length === 1 && UNNAMED in outputs ? outputs[UNNAMED] : outputs;
}
