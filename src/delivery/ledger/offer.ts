/** What the pipeline passes to the delivery about a log. */
import type { Body, EncodedLate } from '../../datapoint/body.ts';
import type { LogEntry } from './log-entry.ts';

/** A span that is known to be a log and is not mapped yet. */
export interface ExpectedLog {
  readonly referenceId: string;
  /** The nearest ancestor that is a log. */
  readonly parent: LogEntry | undefined;
  /** The logs of the trace, to which this one is added. */
  readonly family: LogEntry[];
  /** Start of the span, Unix milliseconds; 0 without a spool, and for the placeholder of a span that did not come. */
  readonly startedMillis: number;
}

/** The encoded datapoint of a log. */
export interface Offer {
  readonly entry: LogEntry;
  /** JSON without the reference ids and the late fields. */
  readonly body: Body;
  readonly late: Readonly<EncodedLate>;
  /** The span has ended, or its end will not be seen. */
  readonly isFinal: boolean;
  /** The log may have been sent and then forgotten here: a probe asks the server first. */
  readonly mayBeStored: boolean;
}
