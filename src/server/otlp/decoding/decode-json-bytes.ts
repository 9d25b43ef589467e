/**
 * The short way from the bytes of OTLP's JSON to spans and log records: it makes neither text nor a tree of the whole.
 * It returns exactly what `decode-json.ts` makes of the same request, which alone defines what is right, or nothing:
 * where a key is given twice, under the schema's name or with an escape, a value is of another type, a span is so
 * long that others would wait for it, or anything else is wrong or rare.
 */
import type { SpanEvent } from '../../../otel/span-slice.ts';
import { Keys, UNKNOWN } from '../../http/bytes/json-keys.ts';
import { Doubt, END, type JsonReader } from '../../http/bytes/json-reader.ts';
import { toEnd } from '../../store/steps.ts';
import { Budget, EVENT_WEIGHT } from './budget.ts';
import { Decoded, type RecordFields, type Scope } from './decoded.ts';
import { parentIdOf } from './identifiers.ts';
import { once, readAttributes, readId, readText, readTime, readValue } from './json-byte-values.ts';
import { LOGS, readResources, TRACES } from './json-frames.ts';
import { CODES, countOf, enumOf, KINDS } from './json-values.ts';
import { cutName, OtlpSpan } from './otlp-span.ts';

/** Yields after each span. Returns undefined where the short way does not know what the request means. */
export function* decodeTracesInSteps(bytes: Buffer, projectName?: string): Generator<void, Decoded | undefined> {
  const decoded = new Decoded(projectName);
  const budget = new Budget();
  const isRead = yield* readResources(bytes, TRACES, budget, (reader, resource) => {
    const spans: OtlpSpan[] = [];
    return {
      readItem: (scope) => void spans.push(readSpan(reader, new OtlpSpan(resource, scope), budget)),
      finish: () => decoded.addSpans(spans, resource),
    };
  });
  return isRead ? decoded : undefined;
}

/** Yields after each record. Returns as `decodeTracesInSteps`. */
export function* decodeLogsInSteps(bytes: Buffer, projectName?: string): Generator<void, Decoded | undefined> {
  const decoded = new Decoded(projectName);
  const budget = new Budget();
  const isRead = yield* readResources(bytes, LOGS, budget, (reader, resource) => {
    const records: [RecordFields, Scope][] = [];
    return {
      readItem: (scope) => void records.push([readRecord(reader, budget), scope]),
      finish: () => {
        for (const [record, scope] of records) decoded.addRecords([record], scope, resource);
      },
    };
  });
  return isRead ? decoded : undefined;
}

/** Returns as `decodeTracesInSteps`. */
export function decodeTraces(bytes: Buffer, projectName?: string): Decoded | undefined {
  return toEnd(decodeTracesInSteps(bytes, projectName));
}

/** Returns as `decodeTracesInSteps`. */
export function decodeLogs(bytes: Buffer, projectName?: string): Decoded | undefined {
  return toEnd(decodeLogsInSteps(bytes, projectName));
}

const SPAN = new Keys(
  'traceId',
  'spanId',
  'traceState',
  'parentSpanId',
  'flags',
  'name',
  'kind',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'attributes',
  'droppedAttributesCount',
  'events',
  'links',
  'status',
);

function readSpan(reader: JsonReader, span: OtlpSpan, budget: Budget): OtlpSpan {
  let seen = 0;
  for (let key = reader.firstKey(SPAN); key !== END; key = reader.nextKey(SPAN, key)) {
    seen = once(seen, key);
    switch (SPAN.names[key]) {
      case 'traceId':
        span.traceId = readId(reader, 'traceId');
        break;
      case 'spanId':
        span.spanId = readId(reader, 'spanId');
        break;
      case 'traceState':
        span.traceStateText = readText(reader, 'traceState');
        break;
      case 'parentSpanId':
        span.parentSpanId = parentIdOf(readId(reader, 'parentSpanId'));
        break;
      case 'flags':
        span.flags = countOf(reader.readScalar(), 'flags');
        break;
      case 'name':
        span.name = cutName(readText(reader, 'name'));
        break;
      case 'kind':
        span.kind = Math.max(0, enumOf(reader.readScalar(), KINDS, 'kind', doubt) - 1);
        break;
      case 'startTimeUnixNano':
        span.startTime = readTime(reader, 'startTimeUnixNano') ?? span.startTime;
        break;
      case 'endTimeUnixNano':
        span.endTime = readTime(reader, 'endTimeUnixNano') ?? span.endTime;
        break;
      case 'attributes':
        readAttributes(reader, span.attributes, budget);
        break;
      case 'droppedAttributesCount':
        span.droppedAttributesCount += countOf(reader.readScalar(), 'droppedAttributesCount');
        break;
      case 'events':
        for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) {
          span.events.push(readEvent(reader, budget));
        }
        break;
      case 'links':
        for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) readLink(reader, span, budget);
        break;
      case 'status':
        readStatus(reader, span.status);
        break;
      default:
        reader.skip();
    }
  }
  return span;
}

const EVENT = new Keys('timeUnixNano', 'name', 'attributes');

function readEvent(reader: JsonReader, budget: Budget): SpanEvent {
  if (!budget.take(EVENT_WEIGHT)) throw new Doubt();
  const attributes: Record<string, unknown> = {};
  let name = '';
  let time: SpanEvent['time'];
  let seen = 0;
  for (let key = reader.firstKey(EVENT); key !== END; key = reader.nextKey(EVENT, key)) {
    seen = once(seen, key);
    switch (EVENT.names[key]) {
      case 'timeUnixNano':
        time = readTime(reader, 'events.timeUnixNano');
        break;
      case 'name':
        name = readText(reader, 'events.name');
        break;
      case 'attributes':
        readAttributes(reader, attributes, budget);
        break;
      default:
        reader.skip();
    }
  }
  return time ? { name, attributes, time } : { name, attributes };
}

const LINK = new Keys('traceId', 'spanId');

function readLink(reader: JsonReader, span: OtlpSpan, budget: Budget): void {
  if (!budget.take(EVENT_WEIGHT)) throw new Doubt();
  let traceId = '';
  let spanId = '';
  let seen = 0;
  for (let key = reader.firstKey(LINK); key !== END; key = reader.nextKey(LINK, key)) {
    seen = once(seen, key);
    if (key === UNKNOWN) reader.skip();
    else if (LINK.names[key] === 'traceId') traceId = readId(reader, 'links.traceId');
    else spanId = readId(reader, 'links.spanId');
  }
  span.links.push({ context: { traceId, spanId } });
}

const STATUS = new Keys('message', 'code');

function readStatus(reader: JsonReader, status: OtlpSpan['status']): void {
  let seen = 0;
  for (let key = reader.firstKey(STATUS); key !== END; key = reader.nextKey(STATUS, key)) {
    seen = once(seen, key);
    switch (STATUS.names[key]) {
      case 'message': {
        const message = readText(reader, 'status.message');
        if (message) status.message = message;
        break;
      }
      case 'code':
        status.code = enumOf(reader.readScalar(), CODES, 'status.code', doubt);
        break;
      default:
        reader.skip();
    }
  }
}

const RECORD = new Keys('timeUnixNano', 'observedTimeUnixNano', 'body', 'attributes', 'traceId', 'spanId', 'eventName');

function readRecord(reader: JsonReader, budget: Budget): RecordFields {
  let time: RecordFields['time'] | undefined;
  let observed: RecordFields['time'] | undefined;
  const record: RecordFields = {
    traceId: '',
    spanId: '',
    eventName: '',
    body: undefined,
    attributes: {},
    time: [0, 0],
  };
  let seen = 0;
  for (let key = reader.firstKey(RECORD); key !== END; key = reader.nextKey(RECORD, key)) {
    seen = once(seen, key);
    switch (RECORD.names[key]) {
      case 'timeUnixNano':
        time = readTime(reader, 'timeUnixNano');
        break;
      case 'observedTimeUnixNano':
        observed = readTime(reader, 'observedTimeUnixNano');
        break;
      case 'body':
        record.body = readValue(reader, budget);
        break;
      case 'attributes':
        readAttributes(reader, record.attributes, budget);
        break;
      case 'traceId':
        record.traceId = readId(reader, 'traceId');
        break;
      case 'spanId':
        record.spanId = readId(reader, 'spanId');
        break;
      case 'eventName':
        record.eventName = readText(reader, 'eventName');
        break;
      default:
        reader.skip();
    }
  }
  record.time = time ?? observed ?? record.time;
  return record;
}

/** What is passed over is said by the other way. */
function doubt(): never {
  throw new Doubt();
}
