/**
 * Quarkus LangChain4j: the spans around the methods of its AI services, and around their tools, which have nothing but a name
 * before its release 1.11. Its model calls are spans of the GenAI conventions.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';

const SERVICE = 'langchain4j.aiservices.';
const TOOL = 'langchain4j.tools.';

export const quarkus: Convention = {
  name: 'quarkus',
  title: 'Quarkus LangChain4j',
  signs: { names: [SERVICE, TOOL] },

  classify({ name }: SpanSlice): SpanKind | undefined {
    if (typeof name !== 'string') return undefined;
    if (name.startsWith(TOOL)) return 'tool';
    return name.startsWith(SERVICE) ? 'generic' : undefined;
  },

  read(span: SpanSlice, kind: SpanKind): Reading {
    return { name: span.name.slice((kind === 'tool' ? TOOL : SERVICE).length), error: readError(span) };
  },
};
