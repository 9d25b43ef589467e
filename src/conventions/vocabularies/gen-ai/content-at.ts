/** Content in the attributes of the GenAI conventions, as the message reader takes it. */
import { scopeOf } from '../../../otel/span-slice.ts';
import { holdsMessages, isTable } from '../../content/messages/message-wrappers.ts';
import { holdsAnyAnswer } from '../../content/provider-bodies.ts';
import { isFiller } from '../../values/attributes.ts';
import { unescapedListIn } from '../../values/json/unescaped-texts.ts';
import { startsInCode } from '../../values/printed/printed-objects.ts';
import type { SpanFields } from '../../values/span-fields.ts';

/** Values that instrumentations write in place of hidden content. A list: a set would hash each long text. */
const HIDDEN: readonly unknown[] = ['', '__REDACTED__', '<REDACTED>', '[REDACTED]'];

const IN_JSON: ReadonlySet<string> = new Set([
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.system_instructions',
]);

/**
 * Returns the first content at these keys as the message reader takes it. Cut JSON gives what can be saved, or text.
 */
export function contentAt(fields: SpanFields, ...keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = fields.attributes[key];
    if (value === undefined || value === null || HIDDEN.includes(value)) continue;
    if (typeof value !== 'string') return value;
    // Keys with JSON do not have these words as texts.
    if (IN_JSON.has(key) && isFiller(value)) continue;
    const listed = isMicrometers(fields) ? unescapedListIn(value) : undefined;
    if (listed?.length === 0) continue;
    if (listed) return listed;
    return unlessPlainText(fields.structure(key), key, value) ?? value;
  }
  return undefined;
}

/** The conventions write messages as JSON, even a single text; at other keys a text in quotes stays as it is. */
function unlessPlainText(value: unknown, key: string, text: string): unknown {
  // The spelling of data in a language may be the words of an answer.
  if (startsInCode(text) && !holdsMessages(value) && !holdsAnyAnswer(value)) return undefined;
  if (isTable(value)) return undefined;
  return typeof value === 'object' || (typeof value === 'string' && IN_JSON.has(key)) ? value : undefined;
}

/** Spring Boot's tracing, which keeps each value as text. */
function isMicrometers({ span, attributes }: SpanFields): boolean {
  return (
    scopeOf(span).name === 'org.springframework.boot' || typeof attributes['gen_ai.usage.total_tokens'] === 'string'
  );
}
