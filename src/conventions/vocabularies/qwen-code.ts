/**
 * Qwen Code, an agent for the terminal: `qwen-code.*` spans with the attributes of the GenAI conventions, and content
 * in attributes without a prefix, as Claude Code has them. Newer releases have the messages of the conventions instead.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { inputsOf } from '../content/inputs.ts';
import { toModelTools } from '../content/model-tools.ts';
import { structuredOf } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, ReadError, Reading, SpanKind } from '../convention.ts';
import { integerOf } from '../values/attributes.ts';
import { toOptionalText } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { withoutHeading } from './claude-code.ts';

const PREFIX = 'qwen-code.';

/** Others are plumbing: the run of a tool within its span, waiting for the user, hooks. */
const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['interaction', 'agent'],
  ['subagent', 'agent'],
  ['llm_request', 'model'],
  ['tool', 'tool'],
]);

export const qwenCode: Convention = {
  name: 'qwen-code',
  title: 'Qwen Code',
  signs: { names: [PREFIX] },

  classify({ name }: SpanSlice): SpanKind | undefined {
    if (typeof name !== 'string' || !name.startsWith(PREFIX)) return undefined;
    return KINDS.get(name.slice(PREFIX.length)) ?? 'plumbing';
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    const error = readFailure(fields);
    switch (kind) {
      case 'model':
        return { ...readModelCall(fields), error };
      case 'tool':
        return {
          inputs: inputsOf(structuredOf(withoutHeading(attributes['tool_input']))),
          output: toOptionalText(withoutHeading(attributes['tool_result'])),
          error,
          metadata: { tool_call_id: fields.firstName('tool.call_id') },
        };
      default:
        return {
          name: fields.firstName('gen_ai.agent.name', 'qwen-code.subagent.name') ?? 'Qwen Code',
          inputs: inputsOf(withoutHeading(attributes['new_context'])),
          error,
        };
    }
  },
};

function readModelCall(fields: SpanFields): Reading {
  // The instructions are on the first call that has them, or else only their beginning and a hash.
  const system = fields.string('system_prompt');
  const answer = fields.string('response.model_output');
  return {
    endpoint: 'chat',
    tools: readTools(fields),
    ...(system !== undefined && { messages: [{ role: 'system', content: system }] }),
    ...(answer !== undefined && { outputMessage: { role: 'assistant', content: answer }, output: answer }),
    metadata: {
      reasoning_tokens: fields.count('thoughts_token_count'),
      time_to_first_chunk_ms: fields.count('ttft_ms'),
      attempt: fields.count('attempt'),
    },
  };
}

/** Each tool is defined in an event of the first call that it was offered to; the others only name it. */
function readTools(fields: SpanFields): Reading['tools'] {
  const names = toModelTools(fields.list('tools'));
  const definitions = fields.span.events
    .filter(({ name }) => name === 'tool_schema')
    .flatMap(({ attributes }) => toModelTools([attributes?.['tool_definition']]) ?? []);
  const byName = new Map(definitions.map((tool) => [tool.name, tool]));
  return names?.map((tool) => byName.get(tool.name) ?? tool);
}

function readFailure({ span, attributes }: SpanFields): ReadError | undefined {
  const error = readError(span);
  const httpStatus = integerOf(attributes['error_status_code']);
  return error && httpStatus !== undefined && httpStatus >= 400 ? { httpStatus, ...error } : error;
}
