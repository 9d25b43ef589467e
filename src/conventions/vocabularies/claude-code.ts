/**
 * Claude Code and the Agent SDK, whose command line process traces itself: `claude_code.*` spans with attributes
 * without a prefix.
 *
 * Input tokens exclude cached ones. Prompts are hidden unless the user asks for them.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { toFinishReason } from '../content/finish-reason.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader } from '../content/messages.ts';
import { structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, ReadError, Reading, SpanKind } from '../convention.ts';
import { countOf, firstString, integerOf, omitUndefined, stringOf } from '../values/attributes.ts';

const PREFIX = 'claude_code.';
const SCOPE = 'com.anthropic.claude_code';
const HIDDEN = '<REDACTED>';

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['llm_request', 'model'],
  ['tool', 'tool'],
  ['interaction', 'agent'],
]);

export const claudeCode: Convention = {
  name: 'claude-code',
  signs: { scopes: [SCOPE], names: [PREFIX] },

  classify(span: SpanSlice): SpanKind | undefined {
    const isNamed = span.name.startsWith(PREFIX);
    if (!isNamed && !scopeOf(span).name.startsWith(SCOPE)) return undefined;
    const type = span.attributes['span.type'] ?? (isNamed ? span.name.slice(PREFIX.length) : undefined);
    // Plumbing: waiting for the user, running a tool's process, hooks.
    return KINDS.get(type) ?? 'plumbing';
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    switch (claudeCode.classify(span)) {
      case 'model':
        return readModelCall(span);
      case 'tool':
        return readToolCall(span);
      default:
        return omitUndefined<Reading>({
          name: 'Claude Code',
          inputs: inputsOf(unlessHidden(attributes['user_prompt'])),
          error: readFailure(span),
        });
    }
  },
};

function readModelCall(span: SpanSlice): Reading {
  const { attributes } = span;
  const answer = unlessHidden(attributes['response.model_output']);
  const context = unlessHidden(attributes['new_context']);
  const finishReason = toFinishReason(attributes['stop_reason']);
  return omitUndefined<Reading>({
    callId: stringOf(attributes['gen_ai.response.id']),
    model: firstString(attributes, 'model', 'gen_ai.request.model'),
    provider: stringOf(attributes['gen_ai.system']) ?? 'anthropic',
    endpoint: 'chat',
    messages: context === undefined ? undefined : new MessageReader().read([{ role: 'user', content: context }]),
    outputMessage: answer === undefined ? undefined : { role: 'assistant', content: answer },
    output: answer,
    promptTokens: countOf(attributes['input_tokens']),
    outputTokens: countOf(attributes['output_tokens']),
    finishReason,
    error: readFailure(span),
    metadata: omitUndefined<Record<string, unknown>>({
      request_id: stringOf(attributes['request_id']),
      cache_read_tokens: countOf(attributes['cache_read_tokens']),
      cache_write_tokens: countOf(attributes['cache_creation_tokens']),
      time_to_first_chunk_ms: countOf(attributes['ttft_ms']),
      attempt: countOf(attributes['attempt']),
    }),
  });
}

function readToolCall(span: SpanSlice): Reading {
  const { attributes } = span;
  const output = attributes['tool_output'] ?? readOutputEvent(span);
  return omitUndefined<Reading>({
    name: firstString(attributes, 'tool_name', 'gen_ai.tool.name'),
    inputs: inputsOf(structuredOf(unlessHidden(attributes['tool_input'] ?? attributes['tool_parameters']))),
    output: toStepOutput(output),
    error: readFailure(span),
    metadata: omitUndefined<Record<string, unknown>>({ tool_call_id: stringOf(attributes['tool_use_id']) }),
  });
}

function readOutputEvent(span: SpanSlice): unknown {
  const event = span.events.find(({ name }) => name === 'tool.output');
  return event?.attributes?.['content'] ?? event?.attributes?.['output'];
}

function readFailure(span: SpanSlice): ReadError | undefined {
  const { attributes } = span;
  const failed = attributes['success'] === false || attributes['success'] === 'false';
  const message = firstString(attributes, 'error', 'error_message');
  const error = readError(span, { failed, ...(failed && message !== undefined && { message }) });
  const httpStatus = integerOf(attributes['status_code']);
  return error && httpStatus !== undefined && httpStatus >= 400 ? { httpStatus, ...error } : error;
}

function unlessHidden(value: unknown): string | undefined {
  const text = stringOf(value);
  return text === HIDDEN ? undefined : text;
}
