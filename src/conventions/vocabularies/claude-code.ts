/**
 * Claude Code and the Agent SDK, whose command line process traces itself: `claude_code.*` spans with attributes
 * without a prefix.
 *
 * Input tokens exclude cached ones. Prompts are hidden unless the user asks for them.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { inputsOf } from '../content/inputs.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { MessageReader } from '../content/messages/messages.ts';
import { modelToolsAt } from '../content/model-tools.ts';
import { structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { IN_BODY, ownUsage, UsageTable, usageDetails } from '../content/usage.ts';
import type { Convention, ReadError, Reading, SpanKind } from '../convention.ts';
import { stringOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';

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
  title: 'Claude Code',
  signs: { scopes: [SCOPE], names: [PREFIX] },

  classify(span: SpanSlice): SpanKind | undefined {
    const isNamed = span.name.startsWith(PREFIX);
    if (!isNamed && !scopeOf(span).name.startsWith(SCOPE)) return undefined;
    const type = span.attributes['span.type'] ?? (isNamed ? span.name.slice(PREFIX.length) : undefined);
    // Plumbing: waiting for the user, running a tool's process, hooks.
    return KINDS.get(type) ?? 'plumbing';
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    switch (kind) {
      case 'model':
        return readModelCall(fields);
      case 'tool':
        return readToolCall(fields);
      default:
        return {
          name: 'Claude Code',
          inputs: inputsOf(
            unlessHidden(fields.attributes['user_prompt']) ?? withoutHeading(fields.attributes['new_context']),
          ),
          error: readFailure(fields),
        };
    }
  },
};

const USAGE = new UsageTable(
  {
    promptTokens: ['input_tokens'],
    outputTokens: ['output_tokens'],
    cache_read_tokens: ['cache_read_tokens'],
    cache_write_tokens: ['cache_creation_tokens'],
  },
  IN_BODY,
);

function readModelCall(fields: SpanFields): Reading {
  const { attributes, keys } = fields;
  const answer = unlessHidden(attributes['response.model_output']);
  const context = unlessHidden(attributes['new_context']);
  const usage = USAGE.read(attributes, keys);
  return {
    callId: fields.firstName('gen_ai.response.id'),
    model: fields.firstName('model', 'gen_ai.request.model'),
    provider: fields.firstName('gen_ai.system') ?? 'anthropic',
    endpoint: 'chat',
    messages: context === undefined ? undefined : new MessageReader().read(messagesIn(context)),
    tools: modelToolsAt(fields, 'tools'),
    outputMessage: answer === undefined ? undefined : { role: 'assistant', content: answer },
    output: answer,
    ...ownUsage(usage),
    finishReason: toFinishReason(attributes['stop_reason']),
    error: readFailure(fields),
    metadata: {
      request_id: fields.string('request_id'),
      ...usageDetails(usage),
      time_to_first_chunk_ms: fields.count('ttft_ms'),
      attempt: fields.count('attempt'),
    },
    contentMetadata: { reasoning: unlessHidden(attributes['response.thinking_output']) },
  };
}

function readToolCall(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  return {
    name: fields.firstString('tool_name', 'gen_ai.tool.name'),
    inputs: inputsOf(
      structuredOf(withoutHeading(attributes['tool_input'] ?? attributes['tool_parameters'])) ?? readDetails(fields),
    ),
    output: toStepOutput(
      attributes['tool_output'] ?? readOutputEvent(span) ?? withoutHeading(attributes['new_context']),
    ),
    error: readFailure(fields),
    metadata: { tool_call_id: fields.string('tool_use_id') },
  };
}

/** What is said of a tool's arguments where they themselves are not. */
function readDetails(fields: SpanFields): Readonly<Record<string, string>> | undefined {
  const [command, path] = [fields.string('full_command'), fields.string('file_path')];
  if (command !== undefined) return { command };
  return path === undefined ? undefined : { file_path: path };
}

function readOutputEvent(span: SpanSlice): unknown {
  const event = span.events.find(({ name }) => name === 'tool.output');
  return event?.attributes?.['content'] ?? event?.attributes?.['output'];
}

function readFailure(fields: SpanFields): ReadError | undefined {
  const { attributes, span } = fields;
  const failed = attributes['success'] === false || attributes['success'] === 'false';
  const message = fields.firstString('error', 'error_message');
  const error = readError(span, { failed, ...(failed && message !== undefined && { message }) });
  const httpStatus = fields.integer('status_code');
  return error && httpStatus !== undefined && httpStatus >= 400 ? { httpStatus, ...error } : error;
}

function unlessHidden(value: unknown): string | undefined {
  const text = stringOf(value);
  return text === HIDDEN ? undefined : text;
}

const HEADING = /^\[(?:USER PROMPT|TOOL (?:INPUT|RESULT): [^\]\n]{1,200})\]\n/;

/** Returns the text without the heading that says what it is. */
export function withoutHeading(value: unknown): string | undefined {
  return unlessHidden(value)?.replace(HEADING, '');
}

/** What is new in the conversation since the last call: each part has a heading, and a line between it and the next. */
const NEXT_PART = /\n\n---\n\n(?=\[(?:USER|TOOL RESULT: [^\]\n]{1,200})\]\n)/;
const PART = /^\[(?:USER|TOOL RESULT: ([^\]\n]{1,200}))\]\n([\s\S]*)$/;

function messagesIn(context: string): Record<string, unknown>[] {
  return context.split(NEXT_PART).map((part) => {
    const [, id, content = part] = PART.exec(part) ?? [];
    return id === undefined ? { role: 'user', content } : { role: 'tool', tool_call_id: id, content };
  });
}
