/**
 * LiveKit Agents, a framework for voice: the spans of its tools. Its model calls are GenAI spans with the content in
 * events; the turns and nodes around them have no tokens and repeat what these say.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { inputsAt } from '../content/inputs.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf } from '../values/attributes.ts';
import { toOptionalText } from '../values/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

const NAME = 'lk.function_tool.name';

export const liveKit: Convention = {
  name: 'livekit',
  title: 'LiveKit Agents',
  signs: { keys: [NAME] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    return attributes[NAME] === undefined ? undefined : 'tool';
  },

  /** Newer releases mark what may be personal in the keys. */
  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    const failed = booleanOf(fields.attributes['lk.function_tool.is_error']) === true;
    const output = fields.firstKey('lk.function_tool.output', 'lk.pii.function_tool.output');
    const text = output && toOptionalText(fields.attributes[output]);
    return {
      name: fields.firstName(NAME),
      inputs: inputsAt(fields, fields.firstKey('lk.function_tool.arguments', 'lk.pii.function_tool.arguments')),
      output: failed ? undefined : text,
      error: readError(
        span,
        failed ? { failed, type: 'tool error', ...(text !== undefined && { message: text }) } : {},
      ),
      metadata: { tool_call_id: fields.firstName('lk.function_tool.id') },
    };
  },
};
