/**
 * Agenta: the node's type, and below `ag.data.` what it was given and returned. Objects are flattened into keys down to some
 * depth; what is below it is JSON with a mark in front.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { isAnswerMessage } from '../../content/answer-items.ts';
import { holdsMessages } from '../../content/messages/message-wrappers.ts';
import { modelOfRequest } from '../../content/model-of-bodies.ts';
import { openedAnswer } from '../../content/provider-bodies.ts';
import { UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { listOf, nameOf, stringOf, unlessEmpty, withoutQuotes } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { unflatten } from '../../values/nested-keys.ts';
import type { SpanFields } from '../../values/span-fields.ts';
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
    const type = typeOf(span.attributes);
    return type === undefined ? undefined : (KINDS.get(type) ?? genAi.classify(span) ?? 'generic');
  },

  isCall: ({ attributes }) => OTHER_CALLS.has(typeOf(attributes)),
  inputs: (fields) => (isCall(fields) ? promptIn(givenTo(fields)) : valueBelow(fields, INPUTS)),
  outputs: (fields) => (isCall(fields) ? saidIn(fields) : returnedBy(fields)),
  variables: (fields) => (isCall(fields) ? variablesIn(givenTo(fields)) : undefined),
  model: (fields) => nameOf(configurationOf(fields)['model']) ?? nameOf(fields.attributes['ag.meta.request.model']),
  provider: ['ag.meta.system'],
  template: (fields) => promptOf(configuredAs(fields))?.['messages'],
  parameters: (fields) => (isCall(fields) ? configurationOf(fields) : undefined),
  names: [],
  usage: new UsageTable({
    // The second keys are those of spans of the AI SDK.
    promptTokens: ['ag.metrics.unit.tokens.prompt', 'ag.metrics.tokens.incremental.prompt'],
    outputTokens: ['ag.metrics.unit.tokens.completion', 'ag.metrics.tokens.incremental.completion'],
    total_tokens: ['ag.metrics.unit.tokens.total', 'ag.metrics.tokens.incremental.total'],
    total_cost: ['ag.metrics.unit.costs.total'],
  }),
  structure: new FieldTable<Fields>({}),
});

function typeOf(attributes: Attributes): string | undefined {
  return stringOf(attributes[TYPE])?.toLowerCase();
}

function isCall({ attributes }: SpanFields): boolean {
  return KINDS.get(typeOf(attributes) ?? '') === 'model';
}

function configuredAs(fields: SpanFields): Fields {
  const configuration = valueBelow(fields, CONFIGURATION);
  return isObject(configuration) ? configuration : {};
}

/** Returns the prompt that a workflow was configured with: its messages are a template, and its model is a level deeper. */
function promptOf(configuration: Fields): Fields | undefined {
  return Object.values(configuration)
    .filter(isObject)
    .find((value) => isObject(value['llm_config']));
}

function configurationOf(fields: SpanFields): Fields {
  const configuration = configuredAs(fields);
  const prompt = promptOf(configuration);
  return prompt ? (prompt['llm_config'] as Fields) : configuration;
}

/** Returns the value at a key, or what was flattened below it. */
function valueBelow(fields: SpanFields, key: string): unknown {
  const { attributes } = fields;
  const own = attributes[key];
  if (own !== undefined && own !== null) return unmarked(fields, key, own);
  const below: [string, unknown][] = [];
  for (const name in attributes)
    if (name.startsWith(`${key}.`)) below.push([name, unmarked(fields, key, attributes[name])]);
  return unflatten(Object.fromEntries(below) as Attributes, `${key}.`);
}

/** Of an attribute as the API allows them: what else a value may have in it can be without end. */
function unmarked(fields: SpanFields, key: string, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item) => (typeof item === 'string' ? unmarkedText(fields, key, item) : item));
  return typeof value === 'string' ? unmarkedText(fields, key, value) : value;
}

function unmarkedText(fields: SpanFields, key: string, text: string): unknown {
  if (!text.startsWith(MARK)) return text;
  const json = text.slice(text.indexOf(':') + 1);
  return json === '' ? undefined : (withoutQuotes(fields.jsonWithin(key, json)) ?? json);
}

function givenTo(fields: SpanFields): unknown {
  const value = valueBelow(fields, INPUTS);
  const given = typeof value === 'string' ? (fields.structure(INPUTS) ?? value) : value;
  const messages = isObject(given) && typeof given['messages'] === 'string' ? listOf(given['messages']) : undefined;
  return messages && holdsMessages(messages) ? { ...(given as Fields), messages } : given;
}

/** Whether this is the body of a request, with its parameters. */
function isRequest(given: Fields): boolean {
  return Array.isArray(given['messages']) && modelOfRequest(given) !== undefined;
}

/** The variables of a template are no words of the user. */
function variablesIn(given: unknown): Fields | undefined {
  if (!isObject(given) || isRequest(given)) return undefined;
  if (!isAsked(given)) return given;
  const { prompt, messages: _messages, ...others } = given;
  // Where the prompt was not recorded, only whether the answer is a stream stands beside it.
  return isEmptyList(prompt) ? undefined : unlessEmpty(others);
}

function isAsked({ prompt, messages }: Fields): boolean {
  return prompt !== undefined || Array.isArray(messages);
}

function promptIn(given: unknown): unknown {
  if (!isObject(given)) return given;
  if (!isAsked(given)) return undefined;
  if (isRequest(given)) return given;
  const { prompt = given } = given;
  return isObject(prompt) && Array.isArray(prompt['messages']) ? prompt['messages'] : prompt;
}

/** Of several choices, the first is the answer. A completion that is a text is what the model said. */
function saidIn(fields: SpanFields): unknown {
  const returned = valueBelow(fields, OUTPUTS);
  const outputs = typeof returned === 'string' && STRUCTURE.test(returned) ? fields.structure(OUTPUTS) : returned;
  if (!isObject(outputs)) return openedAnswer(outputs ?? returned);
  const { completion: said = openedAnswer(returnedOf(outputs)), toolCalls } = outputs;
  const completion = messagesIn(said);
  if (isEmptyList(completion)) return toolCalls === undefined ? undefined : { role: 'assistant', toolCalls };
  if (!Array.isArray(completion) || !completion.every(isObject)) return completion;
  if (completion.length > 1) return completion.map((message: unknown) => ({ message }));
  return toolCalls === undefined ? completion[0] : { toolCalls, ...completion[0] };
}

const STRUCTURE = /^"?[{[]/;

function messagesIn(said: unknown): unknown {
  const list = typeof said === 'string' && said.startsWith('[') ? listOf(said) : undefined;
  return list?.every((item) => isObject(item) && isAnswerMessage(item)) ? list : said;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** A text is what was returned as it is, also JSON; reading that tells whether it was cut. */
function returnedBy(fields: SpanFields): unknown {
  const value = valueBelow(fields, OUTPUTS);
  if (typeof value === 'string') fields.structure(OUTPUTS);
  return returnedOf(value);
}

function returnedOf(outputs: unknown): unknown {
  return isObject(outputs) && Object.keys(outputs).length === 1 && UNNAMED in outputs ? outputs[UNNAMED] : outputs;
}
