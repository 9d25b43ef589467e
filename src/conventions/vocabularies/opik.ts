/** Attributes of Opik that an app sets on a span of another vocabulary: metadata, and tags, which hold for its trace. */
import type { SpanSlice } from '../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo } from '../values/attributes.ts';
import { fieldsBelow } from '../values/indexed-groups.ts';
import { toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

const METADATA = 'opik.metadata';
const PREFIX = `${METADATA}.`;

export const opik: Convention = {
  name: 'opik',
  isAddition: true,
  context: { tags: ['opik.tags'] },
  signs: { prefixes: [METADATA] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    for (const key in attributes) if (key === METADATA || key.startsWith(PREFIX)) return 'generic';
    return undefined;
  },

  read(_span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    const inline = toPlainObject(fieldsBelow(fields.attributes, PREFIX));
    const contentMetadata = addTo({ ...toPlainObject(fields.object(METADATA)) }, inline);
    return { contentMetadata };
  },
};
