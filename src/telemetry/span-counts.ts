/**
 * Counts the spans of one component, in the two steps of OpenTelemetry's conventions: processing ends with the first
 * request that has the span's log, exporting ends with the log's acknowledgement. Only numbers are added here, so that
 * counting costs nothing worth mentioning whether or not the app has a meter provider; `SelfMetrics` reads them.
 *
 * A span that is not a log is processed when it is worked off, and never exported.
 */

/** How many have ended, and how many of them failed, by error type. */
export class Tally {
  succeeded = 0;
  readonly failed = new Map<string, number>();

  fail(errorType: string): void {
    this.failed.set(errorType, (this.failed.get(errorType) ?? 0) + 1);
  }
}

/**
 * The export of logs that were first sent in one request. Their retries, probes and halves belong to it: it ends when
 * each log is acknowledged or dropped.
 */
export class ExportOperation {
  readonly startedAtMillis = performance.now();
  /** Logs that are neither acknowledged nor dropped. */
  left = 0;
  /** HTTP status of the last attempt; undefined if it had no answer. */
  status: number | undefined;
  /** Why the last of the dropped logs was dropped; undefined while none was. */
  errorType: string | undefined;
}

export class SpanCounts {
  readonly processed = new Tally();
  readonly exported = new Tally();
  /** Logs that were sent and are neither acknowledged nor dropped. */
  inFlight = 0;
  /** Called at the end of each operation. */
  onExported: ((operation: ExportOperation) => void) | undefined;
  readonly isExporter: boolean;

  /** For an exporter, a log that is dropped before it was sent is a failed export: the span was passed to it before. */
  constructor(isExporter = false) {
    this.isExporter = isExporter;
  }

  /** Counts a span that is dropped before its log was sent. */
  failUnsent(errorType: string): void {
    (this.isExporter ? this.exported : this.processed).fail(errorType);
  }
}
