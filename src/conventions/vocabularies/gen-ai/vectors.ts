/** Vectors that a model made of texts. They are large, and nobody reads them. */
import { isObject } from '../../../wire/json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const VECTOR_KEYS = ['embeddings', 'data', 'embedding', 'values', 'vector', 'vectors'] as const;
/** `{ embeddings: [{ values: [0.1] }] }`. */
const VECTOR_DEPTH = 4;

/** Whether this is one vector or several, or the answer of a model that makes them. */
export function isVectors(output: unknown, depth = 0): boolean {
  if (depth > VECTOR_DEPTH) return false;
  if (isObject(output)) return VECTOR_KEYS.some((key) => isVectors(output[key], depth + 1));
  if (!Array.isArray(output) || output.length === 0) return false;
  return typeof output[0] === 'object'
    ? isVectors(output[0], depth + 1)
    : output.every((item) => typeof item === 'number');
}

/** Other steps may return an object with numbers in a list. */
export function isEmbedding({ attributes }: SpanFields): boolean {
  return /embed/i.test(`${attributes['gen_ai.operation.name']} ${attributes['gen_ai.request.model']}`);
}
