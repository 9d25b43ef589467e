/**
 * Humanloop's own SDK, version 5: nested values flattened below `humanloop.file.` (what ran) and `humanloop.log.` (what
 * it did).
 *
 * Decorated flows and tools are spans of the SDK. For a decorated prompt it adds its attributes to the provider's span,
 * which another vocabulary reads as well. Each decorated function is a root span; the ids of Humanloop logs link them.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader } from '../content/messages/messages.ts';
import { toSchema } from '../content/model-tools.ts';
import { readRequest, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { ownUsage, UsageTable } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, stringOf } from '../values/attributes.ts';
import { toPlainJson } from '../values/json/plain-json.ts';
import { unflatten } from '../values/nested-keys.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['prompt', 'model'],
  ['tool', 'tool'],
  ['agent', 'agent'],
  ['flow', 'generic'],
  ['evaluator', 'generic'],
]);

const NAME = 'humanloop.';

export const humanloop: Convention = {
  name: 'humanloop',
  title: "Humanloop's SDK, version 5",
  packages: ['humanloop'],
  signs: { keys: ['humanloop.file.type', 'humanloop.file.path', 'humanloop.log.output'], names: [NAME] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn = span.name.startsWith(NAME);
    const type = attributes['humanloop.file.type'] ?? (isOwn ? span.name.slice(NAME.length) : undefined);
    if (type !== undefined) {
      // An embedding made inside a prompt has the prompt's attributes too.
      return type === 'prompt' ? (genAi.classify(span) ?? 'model') : (KINDS.get(type) ?? 'generic');
    }
    return attributes['humanloop.file.path'] !== undefined || attributes['humanloop.log.output'] !== undefined
      ? 'generic'
      : undefined;
  },

  read(span: SpanSlice, kind: SpanKind, { attributes }: SpanFields): Reading {
    const file = unflatten(attributes, 'humanloop.file.') ?? {};
    const log = unflatten(attributes, 'humanloop.log.') ?? {};
    const message = stringOf(log['error']);
    const reading = addTo(kind === 'tool' ? readToolCall(file) : readFile(file), readLog(log));
    reading.error = readError(span, message === undefined ? {} : { failed: true, message });
    reading.metadata = {
      humanloop_path: stringOf(file['path']),
      humanloop_log_id: stringOf(log['id']),
      humanloop_trace_parent_id: stringOf(log['trace_parent_id']),
      humanloop_log_status: stringOf(log['log_status']),
    };
    reading.contentMetadata = { attributes: toPlainJson(file['attributes']) };
    return reading;
  },
};

function readToolCall(file: Fields): Reading {
  const declared = isObject(file['function']) ? file['function'] : {};
  return {
    name: stringOf(declared['name']) ?? lastSegment(file['path']),
    description: stringOf(declared['description']),
    toolParameters: toSchema(declared['parameters']),
  };
}

/** A prompt's parameters are in the file itself, or below `prompt` in the first releases. */
function readFile(file: Fields): Reading {
  const {
    path,
    type: _type,
    attributes: _attributes,
    template,
    prompt,
    function: _function,
    flow: _flow,
    ...rest
  } = file;
  const body = isObject(prompt) ? { ...prompt, ...rest } : rest;
  const written = template ?? (isObject(prompt) ? prompt['template'] : undefined);
  const chat = Array.isArray(written) ? new MessageReader().read(written) : undefined;
  const reading = readRequest(body);
  const { provider: _provider, endpoint: _endpoint, template: _template, ...other } = reading.other ?? {};
  return addTo(reading, {
    other,
    model: nameOf(body['model']),
    provider: nameOf(body['provider']),
    name: stringOf(path),
    promptTemplate: stringOf(written),
    chatTemplate: chat,
  });
}

const USAGE = new UsageTable({ promptTokens: ['prompt_tokens'], outputTokens: ['output_tokens'] });

function readLog(log: Fields): Reading {
  const reader = new MessageReader();
  const messages = Array.isArray(log['messages']) ? reader.read(log['messages']) : undefined;
  const outputMessage = isObject(log['output_message']) ? reader.readOutput(log['output_message'])[0] : undefined;
  return {
    inputs: isObject(log['inputs']) ? inputsOf(log['inputs']) : undefined,
    messages,
    outputMessage,
    output: toStepOutput(log['output']) ?? messageText(outputMessage),
    ...ownUsage(USAGE.read(log)),
    finishReason: stringOf(log['finish_reason']),
  };
}

function lastSegment(path: unknown): string | undefined {
  return stringOf(stringOf(path)?.split('/').at(-1));
}
