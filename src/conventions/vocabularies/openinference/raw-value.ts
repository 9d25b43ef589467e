/** The raw values of a span: `input.value` and `output.value`, what was hidden of them, and transcripts of sound. */
import { answerBodyIn } from '../../content/messages/envelopes.ts';
import { areWords, isStructuredText } from '../../content/provider-bodies.ts';
import { stringOf, textOf, unquotedText } from '../../values/attributes.ts';
import type { IndexedGroup } from '../../values/indexed-groups.ts';
import { unflatten } from '../../values/nested-keys.ts';
import type { SpanFields } from '../../values/span-fields.ts';

/** Values that instrumentations write in place of hidden content. A list: a set would hash each long text. */
const REDACTED: readonly unknown[] = ['__REDACTED__', '<REDACTED>'];

export function isRedacted(value: unknown): boolean {
  return REDACTED.includes(value);
}

export function hasRedacted({ fields }: IndexedGroup): boolean {
  for (const key in fields) if (isRedacted(fields[key])) return true;
  return false;
}

/** Returns what was heard or said on a span with sound. */
export function readTranscript(fields: SpanFields, side: 'input' | 'output'): string | undefined {
  const transcript = fields.string(`${side}.audio.transcript`);
  return isRedacted(transcript) ? undefined : transcript;
}

/** The value of `input.value` or `output.value`. */
export interface RawValue {
  readonly text?: string | undefined;
  readonly json?: unknown;
  readonly isDamaged: boolean;
  /** Whether the instrumentation says that the text is JSON. */
  readonly isJson: boolean;
}

/** Some exporters write every value as JSON, the kind of the span too. */
function isAllJson({ attributes }: SpanFields): boolean {
  return stringOf(attributes['openinference.span.kind'])?.startsWith('"') === true;
}

const MIME_TYPES = { 'input.value': 'input.mime_type', 'output.value': 'output.mime_type' } as const;

/**
 * Sets `json` for a list or an object, and `text` for any string. Both are absent if the content is hidden. `isSaid`: the value
 * may be words, and not the arguments of a function.
 */
export function readValue(fields: SpanFields, key: keyof typeof MIME_TYPES, isSaid = key === 'output.value'): RawValue {
  const value = fields.attributes[key];
  const isJson = fields.attributes[MIME_TYPES[key]] === 'application/json' || isAllJson(fields);
  if (value === undefined) return { json: flattenedMessages(fields, key), isDamaged: false, isJson };
  if (value === null || isRedacted(value)) return { isDamaged: false, isJson };
  const written = textOf(value);
  const text = written !== undefined && isJson ? unquotedText(written) : written;
  const parsed = text === undefined || isStructuredText(text) ? fields.structure(key) : undefined;
  const isWords = isSaid && areWords(text, parsed);
  const json = typeof parsed === 'string' || isWords ? undefined : answerBodyIn(parsed);
  return { isDamaged: fields.truncated.has(key), json, text, isJson };
}

/** Instructor's instrumentation flattens the list of messages: `input.value.0.role`. */
function flattenedMessages({ attributes }: SpanFields, key: string): unknown[] | undefined {
  if (attributes[`${key}.0.role`] === undefined) return undefined;
  const items = unflatten(attributes, `${key}.`) ?? {};
  return Object.keys(items).every((index) => /^\d+$/.test(index)) ? Object.values(items) : undefined;
}
