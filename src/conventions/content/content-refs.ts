/**
 * Content that is stored elsewhere: `gen_ai.input.messages_ref` and its like, on the span or on its events. The log names
 * where the content is; nothing is ever fetched.
 *
 * An address is content: whoever chose it may have put a name into it. It loses what may open the store: the user before
 * the host, and everything from the query on, where signed addresses have their signature.
 */
import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { nameOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';

const REF_KEY = /^(?:gen_ai|llm|input|output)\..+[._]ref$/;
const LAST_OF_KEY = 'f'.charCodeAt(0);

/** No store takes longer addresses. */
const MAX_ADDRESS_CHARS = 4_096;

type Refs = Record<string, string | string[]>;

/** Returns the address of each content by the name of its attribute: `input_messages`, `tool_definitions`. */
export function readContentRefs({ attributes, keys, span }: SpanFields): Refs | undefined {
  const refs: Refs = {};
  addRefs(attributes, keys, refs);
  for (const { name, attributes: body } of span.events) {
    if (!name.startsWith('gen_ai.') || !body) continue;
    addRefs(body, Object.keys(body), refs);
    const inner = body['body'];
    if (isObject(inner)) addRefs(inner, Object.keys(inner), refs);
  }
  for (const _key in refs) return refs;
  return undefined;
}

function addRefs(source: Attributes, keys: readonly string[], into: Refs): void {
  for (const key of keys) {
    // All keys of all spans come by here.
    if (key.charCodeAt(key.length - 1) !== LAST_OF_KEY || !REF_KEY.test(key)) continue;
    const value = source[key];
    const found = Array.isArray(value) ? value.flatMap((item) => toAddress(item) ?? []) : toAddress(value);
    if (found === undefined || found.length === 0) continue;
    into[nameOfContent(key)] ??= found;
  }
}

function nameOfContent(key: string): string {
  return key
    .replace(/^gen_ai\./, '')
    .slice(0, -'_ref'.length)
    .replaceAll('.', '_');
}

/** Returns an address without secrets; undefined for what is none, as a `data:` URL, which is the content itself. */
export function toAddress(value: unknown): string | undefined {
  const text = nameOf(value)?.trim();
  if (text === undefined || text.length > MAX_ADDRESS_CHARS || /^data:/i.test(text)) return undefined;
  const [address = ''] = text.split(/[?#]/, 1);
  return address.replace(/^([a-z][\w+.-]*:)?\/\/[^/\\]*@/i, '$1//') || undefined;
}
