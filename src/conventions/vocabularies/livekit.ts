/**
 * LiveKit Agents, a framework for voice: the spans of its tools, and of what a user said. Its model calls are GenAI spans with
 * the content in events; the agent's turns and nodes around them have no tokens and repeat what these say.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { inputsAt } from '../content/inputs.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, numberOf } from '../values/attributes.ts';
import { toOptionalText } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

const SCOPE = 'livekit-agents';
const NAME = 'lk.function_tool.name';
/** Newer releases mark what may be personal in the keys. */
const TRANSCRIPTS = ['lk.user_transcript', 'lk.pii.user_transcript'] as const;
const USER_TURN = 'user_turn';

export const liveKit: Convention = {
  name: 'livekit',
  title: 'LiveKit Agents',
  signs: { keys: [NAME, ...TRANSCRIPTS], names: [USER_TURN] },

  /** A turn of the user names the model that hears it, and is no call of it, though GenAI's attributes look like one. */
  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes, name } = span;
    if (attributes[NAME] !== undefined) return 'tool';
    if (name !== USER_TURN || scopeOf(span).name !== SCOPE) return undefined;
    return TRANSCRIPTS.some((key) => attributes[key] !== undefined) ? 'generic' : 'plumbing';
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    return kind === 'tool' ? readTool(span, fields) : readUserTurn(fields);
  },
};

function readTool(span: SpanSlice, fields: SpanFields): Reading {
  const failed = booleanOf(fields.attributes['lk.function_tool.is_error']) === true;
  const output = fields.firstKey('lk.function_tool.output', 'lk.pii.function_tool.output');
  const text = output && toOptionalText(fields.attributes[output]);
  return {
    name: fields.firstName(NAME),
    inputs: inputsAt(fields, fields.firstKey('lk.function_tool.arguments', 'lk.pii.function_tool.arguments')),
    output: failed ? undefined : text,
    error: readError(span, failed ? { failed, type: 'tool error', ...(text !== undefined && { message: text }) } : {}),
    metadata: { tool_call_id: fields.firstName('lk.function_tool.id') },
  };
}

/** What was heard is the output of the model that turns speech into text. */
function readUserTurn(fields: SpanFields): Reading {
  return {
    model: fields.firstName('gen_ai.request.model'),
    provider: fields.firstName('gen_ai.provider.name'),
    output: fields.firstString(...TRANSCRIPTS),
    error: readError(fields.span),
    metadata: { transcript_confidence: numberOf(fields.attributes['lk.transcript_confidence']) },
  };
}
