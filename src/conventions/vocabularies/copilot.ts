/**
 * GitHub Copilot in VS Code: what it adds to spans of the GenAI conventions. Its hooks have their input and output, and
 * its calls the reasoning, under its own names.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { inputsOf } from '../content/inputs.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import type { SpanFields } from '../values/span-fields.ts';

const PREFIX = 'copilot_chat.';
/** The provider keeps such reasoning to itself. */
const ENCRYPTED = '[encrypted]';

const REASONING = `${PREFIX}reasoning_content`;
const CONTENT = [
  REASONING,
  `${PREFIX}hook_input`,
  `${PREFIX}hook_output`,
  `${PREFIX}markdown_content`,
  `${PREFIX}user_request`,
] as const;

export const copilot: Convention = {
  name: 'copilot',
  title: 'GitHub Copilot Chat',
  context: { session: [`${PREFIX}chat_session_id`, `${PREFIX}session_id`] },
  isAddition: true,
  signs: { keys: CONTENT },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    return CONTENT.some((key) => attributes[key] !== undefined) ? 'generic' : undefined;
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    if (kind === 'model') {
      const reasoning = fields.string(REASONING);
      return reasoning === undefined || reasoning === ENCRYPTED ? {} : { contentMetadata: { reasoning } };
    }
    if (kind === 'agent') {
      // The same is in the messages of an agent that has them.
      const isSaid = attributes['gen_ai.input.messages'] !== undefined;
      return isSaid ? {} : { inputs: inputsOf(fields.string(`${PREFIX}user_request`)) };
    }
    if (kind !== 'generic') return {};
    return {
      inputs: inputsOf(attributes[`${PREFIX}hook_input`]),
      output: toStepOutput(attributes[`${PREFIX}hook_output`] ?? attributes[`${PREFIX}markdown_content`]),
    };
  },
};
