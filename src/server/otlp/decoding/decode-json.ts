/**
 * Decodes the requests of OTLP from JSON, by the rules of the OTLP specification: keys in lowerCamelCase, ids in hex,
 * 64-bit numbers as text or number, unknown keys are ignored, and null is as good as absent.
 *
 * What other tools have written is read too: enums by their names, ids in base64, and the schema's names of fields, as
 * protobuf's own mapping to JSON has them.
 */
import type { SpanEvent } from '../../../otel/span-slice.ts';
import { toEnd } from '../../store/steps.ts';
import { Budget, EVENT_WEIGHT, LEFT_OUT, SPAN_WEIGHT } from './budget.ts';
import { Decoded, MAX_ATTRIBUTES, type RecordFields, type Resource, type Scope } from './decoded.ts';
import { parentIdOf } from './identifiers.ts';
import { withJsonNames } from './json-names.ts';
import {
  anyValueOf,
  attributesOf,
  CODES,
  countOf,
  enumOf,
  idOf,
  KINDS,
  listOf,
  objectOf,
  textOf,
  timeOf,
} from './json-values.ts';
import { cutName, OtlpSpan } from './otlp-span.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Yields after each span, scope and resource.
 *
 * @throws {MalformedError} that names what is wrong. @throws {TooMuchError} if it has too much in it.
 */
export function* decodeTracesInSteps(body: unknown, projectName?: string): Generator<void, Decoded> {
  const decoded = new Decoded(projectName);
  const budget = new Budget();
  for (const [fields, resource] of resourcesIn(body, 'resourceSpans', budget, decoded)) {
    const spans: OtlpSpan[] = [];
    for (const [item, scope] of itemsIn(fields, 'scopeSpans', 'spans', budget, decoded)) {
      if (item) spans.push(readSpan(item, new OtlpSpan(resource, scope), budget, decoded));
      yield;
    }
    decoded.addSpans(spans, resource);
    yield;
  }
  decoded.rejections.ignore(LEFT_OUT, budget.cutItems);
  return decoded;
}

/** Yields after each record, scope and resource. @throws as `decodeTracesInSteps`. */
export function* decodeLogsInSteps(body: unknown, projectName?: string): Generator<void, Decoded> {
  const decoded = new Decoded(projectName);
  const budget = new Budget();
  for (const [fields, resource] of resourcesIn(body, 'resourceLogs', budget, decoded)) {
    for (const [item, scope] of itemsIn(fields, 'scopeLogs', 'logRecords', budget, decoded)) {
      if (item) decoded.addRecords([readRecord(item, budget)], scope, resource);
      yield;
    }
    yield;
  }
  decoded.rejections.ignore(LEFT_OUT, budget.cutItems);
  return decoded;
}

export function decodeTraces(body: unknown, projectName?: string): Decoded {
  return toEnd(decodeTracesInSteps(body, projectName));
}

export function decodeLogs(body: unknown, projectName?: string): Decoded {
  return toEnd(decodeLogsInSteps(body, projectName));
}

function* resourcesIn(body: unknown, key: string, budget: Budget, decoded: Decoded): Generator<[Fields, Resource]> {
  // A request without a body has no data.
  if (body === undefined) return;
  const request = objectOf(body, 'the body');
  for (const item of listIn(request, key, [], decoded)) {
    budget.beginItem(EVENT_WEIGHT);
    const fields = objectOf(item, key);
    const { attributes } = objectOf(fields['resource'] ?? {}, 'resource');
    yield [fields, { attributes: attributesOf(attributes, budget) }];
  }
}

/** Yields each item, and nothing at the end of each scope: there may be many that are empty. */
function* itemsIn(
  resource: Fields,
  scopesKey: string,
  itemsKey: string,
  budget: Budget,
  decoded: Decoded,
): Generator<[Fields | undefined, Scope]> {
  for (const each of listIn(resource, scopesKey, ['resource', 'schemaUrl', 'schema_url'], decoded)) {
    budget.spend(EVENT_WEIGHT);
    const fields = objectOf(each, scopesKey);
    const { name, version } = objectOf(fields['scope'] ?? {}, 'scope');
    const scope: Scope = { name: cutName(textOf(name, 'scope.name')) };
    const scopeVersion = cutName(textOf(version, 'scope.version'));
    if (scopeVersion) scope.version = scopeVersion;
    for (const item of listIn(fields, itemsKey, ['scope', 'schemaUrl', 'schema_url'], decoded)) {
      budget.beginItem(SPAN_WEIGHT);
      yield [fieldsOf(item, itemsKey), scope];
    }
    yield [undefined, scope];
  }
}

function fieldsOf(value: unknown, where: string): Fields {
  return withJsonNames(objectOf(value, where));
}

/**
 * Returns the list of this key. Keys that are not known are passed over; but if all that is there has such a key, the sender
 * is to know.
 */
function listIn(fields: Fields, key: string, others: readonly string[], { rejections }: Decoded): readonly unknown[] {
  const list = withJsonNames(fields)[key];
  if (list !== undefined) return listOf(list, key);
  const unknown = Object.keys(fields).find((each) => !others.includes(each));
  if (unknown !== undefined) rejections.warn(`nothing was read of '${unknown.slice(0, 60)}': expected '${key}'`);
  return [];
}

function readSpan(fields: Fields, span: OtlpSpan, budget: Budget, { rejections }: Decoded): OtlpSpan {
  const ignore = (reason: string) => rejections.ignore(reason);
  span.traceId = idOf(fields['traceId'], 'traceId');
  span.spanId = idOf(fields['spanId'], 'spanId');
  span.parentSpanId = parentIdOf(idOf(fields['parentSpanId'], 'parentSpanId'));
  span.traceStateText = textOf(fields['traceState'], 'traceState');
  span.flags = countOf(fields['flags'], 'flags');
  span.name = cutName(textOf(fields['name'], 'name'));
  span.kind = Math.max(0, enumOf(fields['kind'], KINDS, 'kind', ignore) - 1);
  span.startTime = timeOf(fields['startTimeUnixNano'], 'startTimeUnixNano') ?? span.startTime;
  span.endTime = timeOf(fields['endTimeUnixNano'], 'endTimeUnixNano') ?? span.endTime;
  span.attributes = attributesOf(fields['attributes'], budget);
  const given = Array.isArray(fields['attributes']) ? fields['attributes'].length : 0;
  const dropped = countOf(fields['droppedAttributesCount'], 'droppedAttributesCount');
  span.droppedAttributesCount = dropped + Math.max(0, given - MAX_ATTRIBUTES);
  for (const event of listOf(fields['events'], 'events')) {
    if (!budget.take(EVENT_WEIGHT)) break;
    span.events.push(readEvent(event, budget));
  }
  for (const link of listOf(fields['links'], 'links')) {
    if (!budget.take(EVENT_WEIGHT)) break;
    const { traceId, spanId } = fieldsOf(link, 'links');
    span.links.push({ context: { traceId: idOf(traceId, 'links.traceId'), spanId: idOf(spanId, 'links.spanId') } });
  }
  const status = objectOf(fields['status'] ?? {}, 'status');
  span.status.code = enumOf(status['code'], CODES, 'status.code', ignore);
  const message = textOf(status['message'], 'status.message');
  if (message) span.status.message = message;
  if (budget.isCut) span.droppedAttributesCount += 1;
  return span;
}

function readEvent(event: unknown, budget: Budget): SpanEvent {
  const fields = fieldsOf(event, 'events');
  const name = textOf(fields['name'], 'events.name');
  const attributes = attributesOf(fields['attributes'], budget);
  const time = timeOf(fields['timeUnixNano'], 'events.timeUnixNano');
  return time ? { name, attributes, time } : { name, attributes };
}

function readRecord(fields: Fields, budget: Budget): RecordFields {
  const time = timeOf(fields['timeUnixNano'], 'timeUnixNano');
  return {
    traceId: idOf(fields['traceId'], 'traceId'),
    spanId: idOf(fields['spanId'], 'spanId'),
    eventName: textOf(fields['eventName'], 'eventName'),
    body: anyValueOf(fields['body'], budget),
    attributes: attributesOf(fields['attributes'], budget),
    time: time ?? timeOf(fields['observedTimeUnixNano'], 'observedTimeUnixNano') ?? [0, 0],
  };
}
