/** What the pipeline tells the delivery of a log. */
import type { LateFields } from '../../wire/late-fields.ts';
import type { LogEntry } from './log-entry.ts';

/** A span that is known to be a log, and not mapped yet. */
export interface ExpectedLog {
  readonly referenceId: string;
  /** The nearest ancestor that is a log. */
  readonly parent: LogEntry | undefined;
  /** The logs of the trace, to which this one is added. */
  readonly family: LogEntry[];
  /** Start of the span, Unix milliseconds; 0 for the placeholder of a span that did not come. */
  readonly startedMillis: number;
}

/** Its datapoint, encoded. */
export interface Offer {
  /** JSON without the reference ids and the late fields. */
  readonly body: string;
  readonly late: Readonly<LateFields>;
  /** The span has ended, or its end will not be seen. */
  readonly isFinal: boolean;
  /** It may have been sent before it was forgotten here: the server is asked first. */
  readonly mayBeStored: boolean;
}
