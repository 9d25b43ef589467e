/**
 * Effect's AI packages for TypeScript: the spans of its tools, which have a name and what the tool was given. Its model
 * calls are spans of the GenAI conventions without content.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { inputsAt } from '../content/inputs.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import type { SpanFields } from '../values/span-fields.ts';

const HANDLE = 'Toolkit.handle';

export const effectAi: Convention = {
  name: 'effect-ai',
  title: 'Effect AI',
  packages: ['@effect/ai'],
  signs: { names: [HANDLE] },

  classify({ name, attributes }: SpanSlice): SpanKind | undefined {
    return name === HANDLE && typeof attributes['tool'] === 'string' ? 'tool' : undefined;
  },

  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    return { name: fields.firstName('tool'), inputs: inputsAt(fields, 'parameters'), error: readError(span) };
  },
};
