/**
 * A log as the ledger writes it. Only the ledger's own files import this: everybody else sees a `LogEntry`, which says
 * what the fields mean.
 */
import { cutText, shrinkJson } from '../../datapoint/shrink.ts';
import type { LateFields } from '../../wire/late-fields.ts';
import type { EntryState, LogEntry } from './log-entry.ts';

const NOTHING: Readonly<LateFields> = { output: undefined, error: undefined, duration: undefined };

export class MutableEntry implements LogEntry {
  readonly referenceId: string;
  readonly parent: MutableEntry | undefined;
  /** All logs of the trace, so that a trace can be dropped whole. */
  readonly family: readonly LogEntry[];
  state: EntryState = 'new';
  body: string | undefined;
  desired: Readonly<LateFields> = NOTHING;
  acknowledged: Readonly<LateFields> | undefined;
  startedMillis = 0;
  isFinal = false;
  batchLimit = Number.POSITIVE_INFINITY;
  /** As it stands in the ledger's sum: it follows what the entry holds when the ledger counts it. */
  bytes = 0;
  /** What the app said through `update()`. It outranks what the span says, whenever that comes. */
  #overrides: Readonly<LateFields> | undefined;
  /** Bytes that were in memory before they were left to the disk; `undefined` for a log that is in memory. */
  storedBytes: number | undefined;
  /** An update is queued or in flight. */
  isUpdating = false;
  /** The server lost this log and it was posted again. Done once per log, or we would loop. */
  wasPostedAgain = false;
  /** Children that wait for this log. */
  waiters: MutableEntry[] | undefined;
  /** Place in the order of arrival, 0 while nothing is to be done. */
  sequence = 0;
  /** Monotonic milliseconds of the first attempt at what is being sent. */
  #firstAttemptMillis: number | undefined;
  /** How often in a row a server answered a request that held this log with an error of its own. */
  serverErrors = 0;

  constructor(referenceId: string, parent: LogEntry | undefined, family: LogEntry[]) {
    this.referenceId = referenceId;
    this.parent = parent as MutableEntry | undefined;
    this.family = family;
    family.push(this);
  }

  get wireBytes(): number {
    return this.bytes + (this.storedBytes ?? 0);
  }

  get isPending(): boolean {
    return this.sequence !== 0;
  }

  get isUnsent(): boolean {
    return this.state === 'waiting' || this.state === 'ready' || this.state === 'unsure';
  }

  get isUnloaded(): boolean {
    return this.storedBytes !== undefined;
  }

  get isDone(): boolean {
    return this.state === 'dropped' || (this.state === 'delivered' && this.isFinal && !this.isPending);
  }

  get effectiveParent(): MutableEntry | undefined {
    let { parent } = this;
    while (parent?.state === 'dropped') parent = parent.parent;
    return parent;
  }

  countBytes(): number {
    return (this.body?.length ?? 0) + (this.desired.output?.length ?? 0) + (this.desired.error?.length ?? 0);
  }

  /** What the server has not acknowledged yet, or `undefined` if there is nothing. */
  difference(): LateFields | undefined {
    const { desired, acknowledged = NOTHING } = this;
    const output = desired.output === acknowledged.output ? undefined : desired.output;
    const error = desired.error === acknowledged.error ? undefined : desired.error;
    const duration = desired.duration === acknowledged.duration ? undefined : desired.duration;
    const isNothing = output === undefined && error === undefined && duration === undefined;
    return isNothing ? undefined : { output, error, duration };
  }

  /** Takes over what is said; a field that is not said keeps its value, since v4 has no way to clear one. */
  desire(late: Readonly<LateFields>): void {
    this.desired = over(this.#overrides, over(late, this.desired));
  }

  override(late: Readonly<LateFields>): void {
    this.#overrides = over(late, this.#overrides ?? NOTHING);
    this.desire(NOTHING);
  }

  /** What is sent next is another thing. */
  acknowledge(late: Readonly<LateFields>): void {
    this.#firstAttemptMillis = undefined;
    this.acknowledged = over(late, this.acknowledged ?? NOTHING);
  }

  /** `true` if the same was attempted before. */
  startAttempt(): boolean {
    const isRetry = this.#firstAttemptMillis !== undefined;
    this.#firstAttemptMillis ??= performance.now();
    return isRetry;
  }

  /** For how long the same has been attempted; 0 if it has not. */
  get triedMillis(): number {
    return this.#firstAttemptMillis === undefined ? 0 : performance.now() - this.#firstAttemptMillis;
  }

  /** Its body and texts are on disk. */
  unload(): void {
    this.storedBytes = this.bytes;
    this.body = undefined;
    this.desired = { ...NOTHING, duration: this.desired.duration };
  }

  /** Back from the disk. What was said meanwhile holds. */
  load(body: string, late: Readonly<LateFields>): void {
    this.body = body;
    this.desired = over(this.desired, late);
  }

  /** Cuts the longest texts until the log fits into `maxBytes`. `false` where that cannot be reached. */
  shrink(maxBytes: number): boolean {
    this.#cutLate(Math.floor(maxBytes / 8));
    const body = this.body && shrinkJson(this.body, Math.floor(maxBytes / 2));
    if (body) this.body = body;
    return body !== undefined;
  }

  /** Halves the texts of an update that is too large. */
  shrinkLate(): void {
    const { output = '', error = '' } = this.desired;
    this.#cutLate(Math.floor(Math.max(output.length, error.length) / 2));
  }

  /** What is done is remembered by its reference only: late children and updates may still name it. */
  clear(): void {
    this.body = undefined;
    this.desired = NOTHING;
    this.acknowledged = undefined;
  }

  #cutLate(maxLength: number): void {
    const { output, error, duration } = this.desired;
    this.#overrides = undefined;
    this.desired = {
      duration,
      output: output && cutText(output, maxLength),
      error: error && cutText(error, maxLength),
    };
  }
}

function over(late: Readonly<LateFields> | undefined, below: Readonly<LateFields>): Readonly<LateFields> {
  if (!late) return below;
  return {
    output: late.output ?? below.output,
    error: late.error ?? below.error,
    duration: late.duration ?? below.duration,
  };
}

/** The ledger's way in: each entry was made by a file of this room. */
export function mutable(entry: LogEntry): MutableEntry {
  return entry as MutableEntry;
}
