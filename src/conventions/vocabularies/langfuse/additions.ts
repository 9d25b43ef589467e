/**
 * Attributes of Langfuse that an app sets on a span of another vocabulary: the prompt's name and version, metadata, and
 * whatever else the span itself does not say. The span has no type of Langfuse and stays what it is.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { readObservation, TYPE } from './langfuse.ts';

const TYPES: ReadonlyMap<SpanKind, string> = new Map([
  ['model', 'generation'],
  ['agent', 'agent'],
  ['tool', 'tool'],
]);

const KEYS: readonly string[] = ['langfuse.version', 'langfuse.release', 'langfuse.environment'];
const PREFIXES: readonly string[] = ['langfuse.observation.', 'langfuse.trace.'];

export const langfuseAdditions: Convention = {
  name: 'langfuse',
  isAddition: true,
  signs: { keys: KEYS, prefixes: PREFIXES },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    if (attributes[TYPE] !== undefined) return undefined;
    const isSign = (key: string) => KEYS.includes(key) || PREFIXES.some((prefix) => key.startsWith(prefix));
    return Object.keys(attributes).some(isSign) ? 'generic' : undefined;
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    return readObservation(fields, TYPES.get(kind) ?? 'span');
  },
};
