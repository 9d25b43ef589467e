/**
 * OpenLIT: GenAI conventions with some invented values. `temperature` and `top_p` are 1 if the request did not set
 * them, the server's address is the provider's whatever was called, and a chat span has the id of the tool call that
 * the model asked for.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { inputsOf } from '../content/inputs.ts';
import { textOfState } from '../content/messages/graph-state.ts';
import { MessageReader } from '../content/messages/messages.ts';
import { structuredAt, toStepOutput } from '../content/provider-bodies.ts';
import { readVectorSearch } from '../content/vector-search.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, numberOf, tokenOf } from '../values/attributes.ts';
import { FieldTable } from '../values/field-table.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

/** The default of the APIs too, so leaving it out changes nothing. */
const FILLER = 1;

export const openLit: Convention = {
  name: 'openlit',
  title: 'OpenLIT',
  packages: ['openlit'],
  context: { environment: ['gen_ai.environment'] },
  signs: { keys: ['telemetry.sdk.name', 'gen_ai.sdk.version'], scopes: ['@openlit/', 'openlit'] },
  covers: ['gen-ai'],

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn =
      attributes['telemetry.sdk.name'] === 'openlit' ||
      attributes['gen_ai.sdk.version'] !== undefined ||
      scopeOf(span).name.startsWith('@openlit/') ||
      scopeOf(span).name.startsWith('openlit');
    return isOwn ? genAi.classify(span) : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = genAi.read(span, kind, fields);
    const { server_address: _address, tool_call_id: toolCallId, ...structure } = reading.metadata ?? {};
    const firstToken = fields.number('gen_ai.server.time_to_first_token');
    reading.messages = withRoles(reading.messages);
    if (reading.temperature === FILLER) reading.temperature = undefined;
    if (reading.topP === FILLER) reading.topP = undefined;
    reading.metadata = addTo(structure, {
      tool_call_id: kind === 'tool' ? toolCallId : undefined,
      time_to_first_chunk_ms: firstToken === undefined ? undefined : firstToken * 1000,
    });
    if (kind !== 'model') addState(reading, fields);
    if (fields.attributes['gen_ai.operation.name'] === 'vectordb') addSearch(reading, readVectorSearch(fields));
    const reasoning = kind === 'model' ? fields.string('gen_ai.content.reasoning') : undefined;
    if (reasoning) reading.contentMetadata = { reasoning, ...reading.contentMetadata };
    const guards = readGuards(span);
    if (guards) reading.contentMetadata = { ...reading.contentMetadata, guardrail_findings: guards };
    return reading;
  },
};

/** What a graph of LangGraph and each of its agents are given and return is the graph's state. */
function addState(reading: Reading, fields: SpanFields): void {
  const [input, output] = ['gen_ai.workflow.input', 'gen_ai.workflow.output'];
  if (fields.attributes[input] !== undefined) reading.inputs = inputsOf(structuredAt(fields, input));
  if (fields.attributes[output] === undefined) return;
  reading.output = textOfState(fields.structure(output)) ?? toStepOutput(structuredAt(fields, output));
}

function addSearch(reading: Reading, { inputs, output, other, metadata }: Reading): void {
  addTo(reading.metadata ?? {}, metadata);
  reading.inputs ??= inputs;
  reading.output ??= output;
  reading.other = addTo({ ...other }, reading.other);
}

/** OpenLIT's guards say what they found in an event of the span that they guard. */
function readGuards({ events }: SpanSlice): Record<string, unknown>[] | undefined {
  const found: Record<string, unknown>[] = [];
  for (const { name, attributes = {} } of events) {
    if (name === 'guard.evaluation') found.push(GUARD.read(attributes, Object.keys(attributes)));
  }
  return found.length > 0 ? found : undefined;
}

const GUARD = new FieldTable<Record<string, unknown>>({
  name: [nameOf, 'guard.name'],
  phase: [tokenOf, 'guard.phase'],
  action: [tokenOf, 'guard.action'],
  score: [numberOf, 'guard.score'],
  classification: [nameOf, 'guard.classification'],
  explanation: [nameOf, 'guard.explanation'],
});

const ROLE_START = /^(system|developer|user|assistant|tool): /m;

/**
 * Older releases for Python join the messages to one text, with the role before each. A line of a message that begins
 * with the name of a role is taken for the next message.
 */
function withRoles(messages: Reading['messages']): Reading['messages'] {
  const [message, ...others] = messages ?? [];
  const text = message?.role === 'user' && others.length === 0 ? message.content : undefined;
  if (typeof text !== 'string' || text.search(ROLE_START) !== 0) return messages;
  const found: { role: string; content: string }[] = [];
  const [, ...pieces] = text.split(new RegExp(ROLE_START, 'gm'));
  for (let at = 0; at + 1 < pieces.length; at += 2) {
    found.push({ role: pieces[at] as string, content: (pieces[at + 1] as string).replace(/\n$/, '') });
  }
  return new MessageReader().read(found);
}
