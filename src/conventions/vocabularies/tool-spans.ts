/**
 * Tools as apps and small SDKs trace them by hand: a tool's name, with what it was given or returned beside it. The Claude Agent
 * SDK for Ruby writes them so. A name alone is no sign of a tool: servers and clients name one, too.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsAt, inputsOf } from '../content/inputs.ts';
import { structuredAt, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { nameOf } from '../values/attributes.ts';
import { parsePrinted } from '../values/printed/printed-literal.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const NAME = 'tool.name';
const INPUTS = ['tool.input', 'tool.arguments', 'tool.args', 'tool.call.arguments', 'input.value'] as const;
const RESULTS = ['tool.output', 'tool.result', 'tool.call.result', 'output.value'] as const;
const CONTENT = [...INPUTS, ...RESULTS];
/** Of requests and queries, which tell of a tool on the way, and of spans that say themselves what they are. */
const OTHERS = [
  ...[
    'http.request.method',
    'http.method',
    'rpc.system',
    'rpc.system.name',
    'db.system',
    'db.system.name',
    'messaging.system',
  ],
  ...['openinference.span.kind', 'fi.span.kind', 'traceloop.span.kind', 'langfuse.observation.type'],
  ...['langsmith.span.kind', 'mlflow.spanType', 'mcp.method.name', 'gen_ai.request.model', 'llm.model_name'],
];

export const toolSpans: Convention = {
  name: 'tool-spans',
  title: 'Tools with `tool.name` and `tool.input` or `tool.output`',
  signs: { keys: [NAME] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (nameOf(attributes[NAME]) === undefined || !hasAnyOf(attributes, CONTENT)) return undefined;
    const kind = genAi.classify(span) ?? 'tool';
    return kind !== 'tool' || hasAnyOf(attributes, OTHERS) ? undefined : 'tool';
  },

  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    const [given, result] = [fields.firstKey(...INPUTS), fields.firstKey(...RESULTS)];
    return {
      name: fields.firstName(NAME),
      description: fields.string('tool.description'),
      inputs: inputsOf(printedByRuby(fields, given)) ?? inputsAt(fields, given),
      output: toStepOutput(wordsIn(printedByRuby(fields, result)) ?? structuredAt(fields, result)),
      error: readError(span),
      metadata: { tool_call_id: fields.firstName('tool.call.id', 'tool.call_id', 'tool.id') },
    };
  },
};

function hasAnyOf(attributes: Attributes, keys: readonly string[]): boolean {
  return keys.some((key) => attributes[key] !== undefined);
}

/** Read before JSON, which would seem to be cut. */
function printedByRuby({ attributes }: SpanFields, key: string | undefined): unknown {
  const text = key === undefined ? undefined : attributes[key];
  return typeof text === 'string' ? parsePrinted(text) : undefined;
}

/** Blocks of text are all that a result of Claude's tools has. */
function wordsIn(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const texts = value.map((block) => (isObject(block) && block['type'] === 'text' ? block['text'] : undefined));
  return texts.every((each) => typeof each === 'string') ? texts.join('\n') : value;
}
