/**
 * Decodes the requests of OTLP from protobuf: `ExportTraceServiceRequest` and `ExportLogsServiceRequest`, by the numbers
 * of opentelemetry-proto 1. There is no tree in between: each field is read to where it is needed.
 *
 * A field that is unknown, or of another wire type than it should be, is skipped, as protobuf has it. Bytes that are not
 * protobuf make the reader throw. Each message is read with the reader's end at its own, so that nothing is read twice.
 */
import protobuf from 'protobufjs/minimal.js';
import type { HrTime, SpanEvent } from '../../../otel/span-slice.ts';
import { toEnd } from '../../store/steps.ts';
import { Budget, EVENT_WEIGHT, LEFT_OUT, SPAN_WEIGHT } from './budget.ts';
import { Decoded, MAX_ATTRIBUTES, type RecordFields, type Resource, type Scope } from './decoded.ts';
import { parentIdOf } from './identifiers.ts';
import { cutName, OtlpSpan } from './otlp-span.ts';
import {
  enter,
  leave,
  passOver,
  type Reader,
  readAttribute,
  readFixed64Time,
  readHex,
  readTag,
  readValue,
  skipMessage,
} from './protobuf-values.ts';

/**
 * Yields after each span, scope and resource.
 *
 * @throws {Error} if the bytes are not such a message. @throws {TooMuchError} if it has too much in it.
 */
export function* decodeTracesInSteps(bytes: Buffer, projectName?: string): Generator<void, Decoded> {
  const decoded = new Decoded(projectName);
  const budget = new Budget();
  yield* readResources(
    bytes,
    (reader, resource) => {
      const spans: OtlpSpan[] = [];
      return {
        readScope: (scope) => {
          budget.beginItem(SPAN_WEIGHT);
          spans.push(readSpan(reader, new OtlpSpan(resource, scope), budget));
        },
        finish: () => decoded.addSpans(spans, resource),
      };
    },
    budget,
  );
  decoded.rejections.ignore(LEFT_OUT, budget.cutItems);
  return decoded;
}

/** Yields after each record, scope and resource. @throws as `decodeTracesInSteps`. */
export function* decodeLogsInSteps(bytes: Buffer, projectName?: string): Generator<void, Decoded> {
  const decoded = new Decoded(projectName);
  const budget = new Budget();
  yield* readResources(
    bytes,
    (reader, resource) => {
      const records = new Map<Scope, RecordFields[]>();
      return {
        readScope: (scope) => {
          budget.spend(SPAN_WEIGHT);
          const ofScope = records.get(scope) ?? [];
          budget.beginItem(EVENT_WEIGHT);
          ofScope.push(readRecord(reader, budget));
          records.set(scope, ofScope);
        },
        finish: () => {
          for (const [scope, ofScope] of records) decoded.addRecords(ofScope, scope, resource);
        },
      };
    },
    budget,
  );
  decoded.rejections.ignore(LEFT_OUT, budget.cutItems);
  return decoded;
}

export function decodeTraces(bytes: Buffer, projectName?: string): Decoded {
  return toEnd(decodeTracesInSteps(bytes, projectName));
}

export function decodeLogs(bytes: Buffer, projectName?: string): Decoded {
  return toEnd(decodeLogsInSteps(bytes, projectName));
}

interface ResourceReader {
  /** Reads one span or record of the scope. */
  readonly readScope: (scope: Scope) => void;
  /** Called at the end of the resource: its attributes may come after its spans. */
  readonly finish: () => void;
}

/** Both requests are lists of resources, which have scopes, which have spans or records, under the same numbers. */
function* readResources(
  bytes: Buffer,
  open: (reader: Reader, resource: Resource) => ResourceReader,
  budget: Budget,
): Generator<void, void> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag !== 10) {
      passOver(reader, tag, budget);
      continue;
    }
    const resource: Resource = { attributes: {} };
    budget.spend(EVENT_WEIGHT);
    const { readScope, finish } = open(reader, resource);
    const end = enter(reader);
    while (reader.pos < reader.len) {
      const field = readTag(reader, budget);
      if (field === 10) readResource(reader, resource, budget);
      else if (field === 18) yield* readScopeItems(reader, readScope, budget);
      else passOver(reader, field, budget);
    }
    leave(reader, end);
    finish();
    yield;
  }
}

function readResource(reader: Reader, resource: Resource, budget: Budget): void {
  budget.beginItem(EVENT_WEIGHT);
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 10) readAttribute(reader, resource.attributes, budget);
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
}

function* readScopeItems(reader: Reader, readItem: (scope: Scope) => void, budget: Budget): Generator<void, void> {
  const scope: Scope = { name: '' };
  budget.spend(EVENT_WEIGHT);
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 10) readScope(reader, scope, budget);
    else if (tag === 18) {
      readItem(scope);
      yield;
    } else passOver(reader, tag, budget);
  }
  leave(reader, end);
  yield;
}

function readScope(reader: Reader, scope: Scope, budget: Budget): void {
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 10) scope.name = cutName(reader.string());
    else if (tag === 18) {
      const version = cutName(reader.string());
      if (version) scope.version = version;
    } else passOver(reader, tag, budget);
  }
  leave(reader, end);
}

function readSpan(reader: Reader, span: OtlpSpan, budget: Budget): OtlpSpan {
  let attributeCount = 0;
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    switch (tag) {
      case 10:
        span.traceId = readHex(reader);
        break;
      case 18:
        span.spanId = readHex(reader);
        break;
      case 26:
        span.traceStateText = reader.string();
        break;
      case 34:
        span.parentSpanId = parentIdOf(readHex(reader));
        break;
      case 42:
        span.name = cutName(reader.string());
        break;
      case 48:
        span.kind = Math.max(0, reader.int32() - 1);
        break;
      case 57:
        span.startTime = readFixed64Time(reader) ?? span.startTime;
        break;
      case 65:
        span.endTime = readFixed64Time(reader) ?? span.endTime;
        break;
      case 74:
        attributeCount += 1;
        if (attributeCount <= MAX_ATTRIBUTES) readAttribute(reader, span.attributes, budget);
        else {
          skipMessage(reader);
          span.droppedAttributesCount += 1;
        }
        break;
      case 80:
        span.droppedAttributesCount += reader.uint32();
        break;
      case 90:
        if (budget.take(EVENT_WEIGHT)) span.events.push(readEvent(reader, budget));
        else skipMessage(reader);
        break;
      case 106:
        if (budget.take(EVENT_WEIGHT)) readLink(reader, span, budget);
        else skipMessage(reader);
        break;
      case 122:
        readStatus(reader, span.status, budget);
        break;
      case 133:
        span.flags = reader.fixed32();
        break;
      default:
        passOver(reader, tag, budget);
    }
  }
  leave(reader, end);
  if (budget.isCut) span.droppedAttributesCount += 1;
  return span;
}

function readEvent(reader: Reader, budget: Budget): SpanEvent {
  const attributes: Record<string, unknown> = {};
  let name = '';
  let time: HrTime | undefined;
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 9) time = readFixed64Time(reader);
    else if (tag === 18) name = reader.string();
    else if (tag === 26) readAttribute(reader, attributes, budget);
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
  return time ? { name, attributes, time } : { name, attributes };
}

function readLink(reader: Reader, span: OtlpSpan, budget: Budget): void {
  let traceId = '';
  let spanId = '';
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 10) traceId = readHex(reader);
    else if (tag === 18) spanId = readHex(reader);
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
  span.links.push({ context: { traceId, spanId } });
}

function readStatus(reader: Reader, status: OtlpSpan['status'], budget: Budget): void {
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 18) {
      const message = reader.string();
      if (message) status.message = message;
    } else if (tag === 24) status.code = reader.int32();
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
}

function readRecord(reader: Reader, budget: Budget): RecordFields {
  let time: HrTime | undefined;
  let observed: HrTime | undefined;
  let attributeCount = 0;
  const record: RecordFields = {
    traceId: '',
    spanId: '',
    eventName: '',
    body: undefined,
    attributes: {},
    time: [0, 0],
  };
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 9) time = readFixed64Time(reader);
    else if (tag === 42) record.body = readValue(reader, budget);
    else if (tag === 50 && ++attributeCount <= MAX_ATTRIBUTES) readAttribute(reader, record.attributes, budget);
    else if (tag === 74) record.traceId = readHex(reader);
    else if (tag === 82) record.spanId = readHex(reader);
    else if (tag === 89) observed = readFixed64Time(reader);
    else if (tag === 98) record.eventName = reader.string();
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
  record.time = time ?? observed ?? record.time;
  return record;
}
