/** Spans of OpenLLMetry's new releases: calls of the GenAI conventions, most of them under a workflow of its SDK. */
import fc from 'fast-check';
import { chat, departures, mostly, name, odd, spanOf, text } from './near-gen-ai.ts';

const around = mostly<Record<string, unknown>>(
  fc.record({
    'traceloop.workflow.name': fc.constantFrom('flow', 'flöw', undefined),
    'traceloop.entity.path': fc.constantFrom('', 'flow.step', undefined),
    'traceloop.association.properties.user_id': fc.constantFrom('u1', undefined),
    'traceloop.association.properties.plan': text,
  }),
  fc.dictionary(
    fc.constantFrom(
      'traceloop.workflow.name',
      'traceloop.entity.path',
      'traceloop.entity.name',
      'traceloop.span.kind',
      'traceloop.association.properties.convention',
      'traceloop.association.properties.__proto__',
      'traceloop.association.properties.',
    ),
    fc.oneof(odd, text, name, fc.constantFrom('task', 'tool', 'agent')),
    { minKeys: 1, maxKeys: 3 },
  ),
);

/** One question without most parameters, since each part of a chat may be a doubt, and a chat has many. */
const plainChat = fc.tuple(chat, text).map(([attributes, content]) => ({
  ...Object.fromEntries(
    Object.entries(attributes).filter(([key]) => !/request\.[^m]|max_|tool|output\.type/.test(key)),
  ),
  'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content }] }]),
}));

export const spanNearOpenLlmetry = spanOf(
  fc
    .tuple(fc.oneof(chat, plainChat), around, mostly(fc.constant({}), departures))
    .map((parts) => Object.assign({}, ...parts)),
  mostly(
    fc.constantFrom('@traceloop/instrumentation-openai', '@traceloop/instrumentation-langchain'),
    fc.constant('app'),
  ),
);
