/**
 * One look through the keys of a span that has ended: which vocabularies may speak on it, whether it names a session, a
 * user or tags, and what holding it costs. A span without signs, as most spans of an app are, is never looked at again.
 *
 * Each vocabulary says in its `signs` what it is known by. They are compiled once for each list of conventions into one
 * bit per convention, and the bits of a key are remembered: instrumentations write the same keys again and again.
 *
 * A key that another processor adds to a span after its end is not a sign any more, though it is read.
 */
import { type SpanSlice, scopeOf } from '../otel/span-slice.ts';
import { isContextKey } from './context.ts';
import type { Convention } from './convention.ts';
import { estimateEntryBytes, estimateEventBytes } from './values/estimate-bytes.ts';

export interface Census {
  /** One bit for each convention that may recognise the span, and one for session, user, tags and environment. */
  readonly signs: number;
  /** Estimated bytes of the span and its events. */
  readonly bytes: number;
}

/** Numbers beyond 31 bits would not be small integers of V8. */
const CONTEXT_SIGN = 1 << 30;
/**
 * The conventions from this place on share a bit, as many as there are more of them than bits: each is asked where any of them
 * has a sign. In the table these are the ones with signs on few spans: those of OpenLLMetry and the GenAI conventions come after.
 */
const SHARED_BIT = 17;
const BITS = 30;
/** Any convention may recognise a span that cannot be looked through. */
const ALL_SIGNS = CONTEXT_SIGN - 1;

/** An empty span with its contexts, times and resource reference. */
const SPAN_BYTES = 1_000;

const MAX_REMEMBERED_KEYS = 4_096;
const MAX_REMEMBERED_CHARS = 256;
const MAX_REMEMBERED_SCOPES = 256;
/** An app's spans have few combinations of them. */
const MAX_REMEMBERED_SIGNS = 256;

/** Never throws. */
export function takeCensus(span: SpanSlice, conventions: readonly Convention[]): Census {
  const table = tableOf(conventions);
  try {
    const { attributes } = span;
    let signs = table.ofNames(span.name, scopeOf(span).name);
    let bytes = SPAN_BYTES;
    for (const key in attributes) {
      signs |= table.ofKey(key);
      bytes += estimateEntryBytes(attributes[key]);
    }
    if (span.events.length !== 0) bytes += bytesOfEvents(span);
    return { signs, bytes };
  } catch {
    // Its attributes throw when they are listed. What is wrong with it shows when it is read, and is handled there.
    return { signs: ALL_SIGNS, bytes: SPAN_BYTES };
  }
}

function bytesOfEvents({ events }: SpanSlice): number {
  let bytes = 0;
  for (const event of events) bytes += estimateEventBytes(event);
  return bytes;
}

/** Whether any convention may recognise the span. */
export function hasVocabulary(signs: number): boolean {
  return (signs & ALL_SIGNS) !== 0;
}

/** Returns the conventions of the list that may recognise the span, in the list's order. */
export function mayBeMeant(signs: number, conventions: readonly Convention[]): readonly Convention[] {
  return tableOf(conventions).ofSigns(signs & ALL_SIGNS);
}

/** Whether the span has any attribute that `context.ts` reads. */
export function hasContextSign(signs: number): boolean {
  return (signs & CONTEXT_SIGN) !== 0;
}

function bitAt(index: number, count: number): number {
  if (index <= SHARED_BIT) return 1 << index;
  return 1 << Math.max(index - Math.max(count - BITS, 0), SHARED_BIT);
}

/** Beginnings of texts, and the bits of the conventions that are known by them. */
class Beginnings {
  /** By the first character. Most texts begin with another one than any of these. */
  readonly #byFirst = new Map<number, [beginning: string, bits: number][]>();
  /** Of the empty beginning, which every text has. */
  readonly #ofAll: number;

  constructor(bits: ReadonlyMap<string, number>) {
    this.#ofAll = bits.get('') ?? 0;
    for (const pair of bits) {
      const first = pair[0].charCodeAt(0);
      const others = this.#byFirst.get(first);
      if (others) others.push(pair);
      else this.#byFirst.set(first, [pair]);
    }
  }

  bitsOf(text: unknown): number {
    if (typeof text !== 'string') return 0;
    const candidates = this.#byFirst.get(text.charCodeAt(0));
    return candidates === undefined ? this.#ofAll : this.#ofAll | bitsAmong(candidates, text);
  }
}

class SignTable {
  /** Bits of the conventions that are always asked. */
  readonly #always: number;
  readonly #keys: ReadonlyMap<string, number>;
  readonly #prefixes: Beginnings;
  readonly #names: Beginnings;
  readonly #scopes: Beginnings;
  readonly #remembered = new Map<string, number>();
  readonly #rememberedScopes = new Map<string, number>();
  readonly #conventions: readonly Convention[];
  readonly #rememberedSigns = new Map<number, readonly Convention[]>();

  constructor(conventions: readonly Convention[]) {
    this.#conventions = conventions;
    this.#always = conventions.reduce(
      (bits, { signs }, index) => (signs === undefined ? bits | bitAt(index, conventions.length) : bits),
      0,
    );
    this.#keys = collect(conventions, ({ signs }) => signs?.keys);
    this.#prefixes = new Beginnings(collect(conventions, ({ signs }) => signs?.prefixes));
    this.#names = new Beginnings(collect(conventions, ({ signs }) => signs?.names));
    this.#scopes = new Beginnings(collect(conventions, ({ signs }) => signs?.scopes));
  }

  ofNames(name: string, scope: string): number {
    return this.#always | (this.#rememberedScopes.get(scope) ?? this.#judgeScope(scope)) | this.#names.bitsOf(name);
  }

  #judgeScope(scope: string): number {
    const bits = this.#scopes.bitsOf(scope);
    if (this.#rememberedScopes.size >= MAX_REMEMBERED_SCOPES) this.#rememberedScopes.clear();
    this.#rememberedScopes.set(scope, bits);
    return bits;
  }

  ofKey(key: string): number {
    return this.#remembered.get(key) ?? this.#judge(key);
  }

  #judge(key: string): number {
    const bits = (this.#keys.get(key) ?? 0) | this.#prefixes.bitsOf(key) | (isContextKey(key) ? CONTEXT_SIGN : 0);
    // Keys with numbers or ids in them would fill the memory, and keep out those that come again.
    if (this.#remembered.size >= MAX_REMEMBERED_KEYS) this.#remembered.clear();
    if (key.length <= MAX_REMEMBERED_CHARS) this.#remembered.set(key, bits);
    return bits;
  }

  ofSigns(signs: number): readonly Convention[] {
    const known = this.#rememberedSigns.get(signs);
    if (known) return known;
    const found = this.#conventions.filter((_, index) => (signs & bitAt(index, this.#conventions.length)) !== 0);
    if (this.#rememberedSigns.size >= MAX_REMEMBERED_SIGNS) this.#rememberedSigns.clear();
    this.#rememberedSigns.set(signs, found);
    return found;
  }
}

const tables = new WeakMap<readonly Convention[], SignTable>();

function tableOf(conventions: readonly Convention[]): SignTable {
  let table = tables.get(conventions);
  if (table) return table;
  table = new SignTable(conventions);
  tables.set(conventions, table);
  return table;
}

function collect(
  conventions: readonly Convention[],
  pick: (convention: Convention) => readonly string[] | undefined,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, convention] of conventions.entries()) {
    for (const text of pick(convention) ?? [])
      found.set(text, (found.get(text) ?? 0) | bitAt(index, conventions.length));
  }
  return found;
}

function bitsAmong(candidates: readonly (readonly [string, number])[], text: string): number {
  let found = 0;
  for (let at = 0; at < candidates.length; at++) {
    const [beginning, bits] = candidates[at]!;
    if (text.startsWith(beginning)) found |= bits;
  }
  return found;
}
