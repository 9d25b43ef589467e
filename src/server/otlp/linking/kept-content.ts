/**
 * What the store keeps beside the logs of a trace, as JSON: what a span says by itself, where its log says more or it has
 * none, and what waits for a span that has not come.
 */
import type { SpanEvent } from '../../../otel/span-slice.ts';
import { isObject, parseJson } from '../../../wire/json.ts';
import type { LogRequest } from '../../../wire/v4.ts';
import type { Judgement } from './skeletons/arrival.ts';

/** Of all log events of one span, and of all judgements that wait for it. */
export const MAX_EVENT_CHARACTERS = 256 * 1024;

export interface KeptContent {
  /** The datapoint that the span is by itself. */
  readonly own?: LogRequest | undefined;
  /** Log events with content, in the order of their times. */
  readonly events?: readonly SpanEvent[] | undefined;
  readonly judgements?: readonly Omit<Judgement, 'spanId'>[] | undefined;
  /** Judgements that name a call which has not come. Where the span is a log, that has them so far. */
  readonly awaiting?: readonly Omit<Judgement, 'spanId'>[] | undefined;
}

export function parseKept(text: string | undefined): KeptContent {
  const kept = text === undefined ? undefined : parseJson(text);
  return isObject(kept) ? (kept as KeptContent) : {};
}

const texts = new WeakMap<object, string>();

/** Returns the JSON of a kept item, which is never changed: each of thousands is compared with each that comes. */
export function textOf(item: object): string {
  let text = texts.get(item);
  if (text === undefined) {
    text = JSON.stringify(item);
    texts.set(item, text);
  }
  return text;
}

/** What is kept of one span, each item once, up to a bound. Each of thousands that come is looked up among those before. */
export class KeptList<Item extends object> {
  readonly items: Item[];
  readonly #texts: Set<string>;
  /** Of all texts, with what is between them. */
  #length: number;

  constructor(items: readonly Item[]) {
    this.items = [...items];
    this.#texts = new Set(items.map(textOf));
    this.#length = items.reduce((sum, item) => sum + textOf(item).length + 1, 1);
  }

  add(item: Item): 'added' | 'known' | 'too much' {
    const text = textOf(item);
    if (this.#texts.has(text)) return 'known';
    if (this.#length + text.length > MAX_EVENT_CHARACTERS) return 'too much';
    this.items.push(item);
    this.#texts.add(text);
    this.#length += text.length + 1;
    return 'added';
  }
}

export function byTime(first: SpanEvent, second: SpanEvent): number {
  const [a, b] = [first.time ?? [0, 0], second.time ?? [0, 0]];
  return a[0] - b[0] || a[1] - b[1] || (textOf(first) < textOf(second) ? -1 : 1);
}
