/** What a decoder makes of one request, and what both decoders have in common. */
import type { InstrumentationScope, ResourceSlice } from '../../../otel/span-slice.ts';
import { findWrongId, spanIdOrNone, traceIdOrNone } from './identifiers.ts';
import type { OtlpSpan } from './otlp-span.ts';
import { projectOfResource } from './project.ts';
import type { ReceivedEvent, ReceivedSpan } from './received.ts';
import { Rejections } from './rejections.ts';

/** Of one span, event, link, scope or resource. More are left out, and counted on spans. */
export const MAX_ATTRIBUTES = 10_000;
/** Levels of lists and maps in one attribute. What is deeper is replaced by `TOO_DEEP`. */
export const MAX_DEPTH = 32;
export const TOO_DEEP = '(nested too deeply)';

export interface Resource extends ResourceSlice {
  attributes: Record<string, unknown>;
}

export interface Scope extends InstrumentationScope {
  name: string;
  version?: string;
}

/** A log record while it is read. */
export interface RecordFields extends Pick<ReceivedEvent, 'body' | 'attributes' | 'time'> {
  traceId: string;
  spanId: string;
  eventName: string;
  body: unknown;
  attributes: Record<string, unknown>;
  time: ReceivedEvent['time'];
}

export class Decoded {
  readonly spans: ReceivedSpan[] = [];
  readonly events: ReceivedEvent[] = [];
  readonly rejections = new Rejections();
  readonly #projectName: string | undefined;

  /** @param projectName that of the request's header, which outranks the resources. */
  constructor(projectName?: string) {
    this.#projectName = projectName;
  }

  /** Adds the spans of one resource, which is complete. */
  addSpans(spans: readonly OtlpSpan[], resource: Resource): void {
    const projectName = this.#projectName ?? projectOfResource(resource);
    for (const slice of spans) {
      const fault = findWrongId(slice);
      if (fault) this.rejections.add(fault);
      else this.spans.push({ slice, projectName });
    }
  }

  /** Adds the log records of one scope. */
  addRecords(records: readonly RecordFields[], scope: Scope, resource: Resource): void {
    const projectName = this.#projectName ?? projectOfResource(resource);
    for (const { traceId, spanId, eventName, ...fields } of records) {
      const [trace, span] = [traceIdOrNone(traceId), spanIdOrNone(spanId)];
      this.events.push({
        ...fields,
        ...(trace && { traceId: trace }),
        ...(span && { spanId: span }),
        ...(eventName && { eventName }),
        scope,
        resource,
        projectName,
      });
    }
  }
}

/** Adds an entry. An object's prototype is no place for what a stranger sends. */
export function setEntry(into: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') into[key] = value;
}
