/** Reads what is around the spans and log records of OTLP's JSON, from its bytes: resources and their scopes. */

import { Keys, UNKNOWN } from '../../http/bytes/json-keys.ts';
import { Doubt, END, JsonReader } from '../../http/bytes/json-reader.ts';
import { type Budget, EVENT_WEIGHT, SPAN_WEIGHT } from './budget.ts';
import type { Resource, Scope } from './decoded.ts';
import { once, readAttributes, readText } from './json-byte-values.ts';
import { cutName } from './otlp-span.ts';

/** Of the requests of one signal: what is around its items, from the outside in. */
interface Frame {
  readonly request: Keys<string>;
  /** The resource, and the list of its scopes. */
  readonly resource: Keys<string>;
  /** The scope, and the list of its items. */
  readonly scope: Keys<string>;
}

export const TRACES: Frame = {
  request: new Keys('resourceSpans'),
  resource: new Keys('resource', 'scopeSpans'),
  scope: new Keys('scope', 'spans'),
};
export const LOGS: Frame = {
  request: new Keys('resourceLogs'),
  resource: new Keys('resource', 'scopeLogs'),
  scope: new Keys('scope', 'logRecords'),
};
const OUTER = 1;
const LIST = 2;
/** What has to be there: without the list, the sender is to know what was not read. */
const [HAS_REQUEST_LIST, HAS_LIST] = [1 << OUTER, 1 << LIST];

interface ResourceReader {
  /** Reads one span or record of the scope. */
  readonly readItem: (scope: Scope) => void;
  /** Called at the end of the resource: its attributes may come after its spans. */
  readonly finish: () => void;
}

type Open = (reader: JsonReader, resource: Resource) => ResourceReader;

/**
 * Yields after each item. Returns whether all was read: whatever is thrown, the other way finds what is wrong, and says
 * so.
 */
export function* readResources(bytes: Buffer, frame: Frame, budget: Budget, open: Open): Generator<void, boolean> {
  try {
    const reader = new JsonReader(bytes);
    yield* readRequest(reader, frame, budget, open);
    reader.end();
    return true;
  } catch {
    return false;
  }
}

function* readRequest(reader: JsonReader, frame: Frame, budget: Budget, open: Open): Generator<void, void> {
  const { request: keys } = frame;
  let seen = 0;
  for (let key = reader.firstKey(keys); key !== END; key = reader.nextKey(keys, key)) {
    seen = once(seen, key);
    if (key === UNKNOWN) reader.skip();
    else {
      for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) {
        yield* readResource(reader, frame, budget, open);
      }
    }
  }
  expectAll(seen, HAS_REQUEST_LIST);
}

function* readResource(reader: JsonReader, frame: Frame, budget: Budget, open: Open): Generator<void, void> {
  const { resource: keys } = frame;
  const resource: Resource = { attributes: {} };
  const { readItem, finish } = open(reader, resource);
  budget.spend(EVENT_WEIGHT);
  let seen = 0;
  for (let key = reader.firstKey(keys); key !== END; key = reader.nextKey(keys, key)) {
    seen = once(seen, key);
    if (key === UNKNOWN) reader.skip();
    else if (key === OUTER) readResourceFields(reader, resource, budget);
    else {
      for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) {
        yield* readScopeItems(reader, frame, budget, readItem);
      }
    }
  }
  expectAll(seen, HAS_LIST);
  finish();
}

const RESOURCE = new Keys('attributes');

function readResourceFields(reader: JsonReader, resource: Resource, budget: Budget): void {
  budget.beginItem(EVENT_WEIGHT);
  let seen = 0;
  for (let key = reader.firstKey(RESOURCE); key !== END; key = reader.nextKey(RESOURCE, key)) {
    seen = once(seen, key);
    if (key === UNKNOWN) reader.skip();
    else readAttributes(reader, resource.attributes, budget);
  }
}

function* readScopeItems(
  reader: JsonReader,
  { scope: keys }: Frame,
  budget: Budget,
  readItem: (scope: Scope) => void,
): Generator<void, void> {
  const scope: Scope = { name: '' };
  budget.spend(EVENT_WEIGHT);
  let seen = 0;
  for (let key = reader.firstKey(keys); key !== END; key = reader.nextKey(keys, key)) {
    seen = once(seen, key);
    if (key === UNKNOWN) reader.skip();
    else if (key === OUTER) readScope(reader, scope);
    else {
      for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) {
        budget.beginItem(SPAN_WEIGHT);
        readItem(scope);
        yield;
        reader.beginStep();
      }
    }
  }
  expectAll(seen, HAS_LIST);
}

function expectAll(seen: number, expected: number): void {
  if ((seen & expected) !== expected) throw new Doubt();
}

const SCOPE = new Keys('name', 'version');

function readScope(reader: JsonReader, scope: Scope): void {
  let seen = 0;
  for (let key = reader.firstKey(SCOPE); key !== END; key = reader.nextKey(SCOPE, key)) {
    seen = once(seen, key);
    switch (SCOPE.names[key]) {
      case 'name':
        scope.name = cutName(readText(reader, 'scope.name'));
        break;
      case 'version': {
        const version = cutName(readText(reader, 'scope.version'));
        if (version) scope.version = version;
        break;
      }
      default:
        reader.skip();
    }
  }
}
