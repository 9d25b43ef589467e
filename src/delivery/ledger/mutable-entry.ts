/**
 * A log entry as the ledger changes it. Only files of the ledger import this; everybody else sees a `LogEntry`, which
 * documents the shared fields.
 */
import { type Body, bodyText, type EncodedLate, isSameOutput, outputText, releaseBody } from '../../datapoint/body.ts';
import { cutText, shrinkJson } from '../../datapoint/shrink.ts';
import type { ExportOperation } from '../../telemetry/span-counts.ts';
import type { EntryState, LogEntry } from './log-entry.ts';

const NO_FEEDBACK: readonly string[] = [];
/** A small integer, which an entry has in place; infinity would be an object for each. */
const NO_LIMIT = 2 ** 31 - 1;
const NOTHING: Readonly<EncodedLate> = { output: undefined, error: undefined, duration: undefined };

export class MutableEntry implements LogEntry {
  readonly referenceId: string;
  readonly parent: MutableEntry | undefined;
  /** All logs of the trace, so that a trace can be dropped whole. */
  readonly family: readonly LogEntry[];
  state: EntryState = 'new';
  isElsewhere = false;
  #body: Body | undefined;
  desired: Readonly<EncodedLate> = NOTHING;
  acknowledged: Readonly<EncodedLate> | undefined;
  feedback: readonly string[] = NO_FEEDBACK;
  startedMillis = 0;
  isFinal = false;
  batchLimit = NO_LIMIT;
  /** As counted in the ledger's sum. The ledger brings it up to date when it counts the entry. */
  bytes = 0;
  /** Late fields that the app set with `update()`. They win over the span's, whichever come first. */
  #overrides: Readonly<EncodedLate> | undefined;
  /** Bytes that the log took in memory before it was unloaded; undefined while it is in memory. */
  storedBytes: number | undefined;
  /** An update is queued or in flight. */
  isUpdating = false;
  /** The server lost this log and it was posted again. That is done once per log, to avoid a loop. */
  wasPostedAgain = false;
  /** The log was sent and is neither acknowledged nor dropped. */
  operation: ExportOperation | undefined;
  /** Children that wait for this log. */
  waiters: MutableEntry[] | undefined;
  /** Place in the order of arrival; 0 while the log is not pending. */
  sequence = 0;
  /** Those before and after it among the pending logs. */
  previous: MutableEntry | undefined = undefined;
  next: MutableEntry | undefined = undefined;
  /** Monotonic milliseconds of the first attempt at the current POST or update. */
  #firstAttemptMillis: number | undefined;
  /** How often in a row a server error was the answer to a request with this log. */
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

  get owesFeedback(): boolean {
    return this.state === 'delivered' && this.feedback.length > 0;
  }

  get isDone(): boolean {
    return this.state === 'dropped' || (this.state === 'delivered' && this.isFinal && !this.isPending);
  }

  get isOverridden(): boolean {
    return this.#overrides !== undefined;
  }

  get effectiveParent(): MutableEntry | undefined {
    let { parent } = this;
    while (parent?.state === 'dropped') parent = parent.parent;
    return parent;
  }

  get body(): Body | undefined {
    return this.#body;
  }

  /** Lets the former body go. */
  replaceBody(body: Body | undefined): void {
    releaseBody(this.#body);
    this.#body = body;
  }

  countBytes(): number {
    const { output, error } = this.desired;
    const bytes = (this.#body?.length ?? 0) + (output?.length ?? 0) + (error?.length ?? 0);
    return this.feedback.length > 0 ? bytes + lengthOf(this.feedback) : bytes;
  }

  /** Returns the late fields that the server has not acknowledged; undefined if there are none. */
  difference(): EncodedLate | undefined {
    const { desired, acknowledged = NOTHING } = this;
    return desired === acknowledged ? undefined : differenceOf(desired, acknowledged);
  }

  /** Sets the given late fields. A missing field keeps its value, since v4 cannot clear one. */
  desire(late: Readonly<EncodedLate>): void {
    if (this.#overrides === undefined && this.desired === NOTHING) this.desired = late;
    else this.desired = over(this.#overrides, over(late, this.desired));
  }

  override(late: Readonly<EncodedLate>): void {
    this.#overrides = over(late, this.#overrides ?? NOTHING);
    this.desire(NOTHING);
  }

  /** Removes feedback that was sent or given up, and keeps what came since. The next attempt is a first one. */
  removeFeedback(items: readonly string[]): void {
    this.feedback = this.feedback.filter((item) => !items.includes(item));
    this.#firstAttemptMillis = undefined;
  }

  /** Notes what the server has. The next attempt is the first one of another update. */
  acknowledge(late: Readonly<EncodedLate>): void {
    this.#firstAttemptMillis = undefined;
    this.acknowledged = this.acknowledged ? over(late, this.acknowledged) : late;
  }

  /** Returns true if the current POST or update was attempted before. */
  startAttempt(): boolean {
    const isRetry = this.#firstAttemptMillis !== undefined;
    this.#firstAttemptMillis ??= performance.now();
    return isRetry;
  }

  /** Milliseconds since the first attempt at the current POST or update; 0 if there was none. */
  get triedMillis(): number {
    return this.#firstAttemptMillis === undefined ? 0 : performance.now() - this.#firstAttemptMillis;
  }

  /** Removes body and texts from memory; the spool has them. */
  unload(): void {
    this.storedBytes = this.bytes;
    this.replaceBody(undefined);
    this.desired = { ...NOTHING, duration: this.desired.duration };
  }

  /** Puts body and late fields back. Late fields that were set meanwhile win. */
  load(body: string, late: Readonly<EncodedLate>): void {
    this.replaceBody(body);
    this.desired = over(this.desired, late);
  }

  /** Cuts the longest texts until the log fits into `maxBytes`. Returns false if that is not possible. */
  shrink(maxBytes: number): boolean {
    this.#cutLate(Math.floor(maxBytes / 8));
    const body = this.#body && shrinkJson(bodyText(this.#body), Math.floor(maxBytes / 2));
    if (body) this.replaceBody(body);
    return body !== undefined;
  }

  /** Halves the texts of an update that is too large. */
  shrinkLate(): void {
    const { output, error = '' } = this.desired;
    this.#cutLate(Math.floor(Math.max(outputText(output)?.length ?? 0, error.length) / 2));
  }

  /** Forgets the content. The reference is kept, since late children and updates may still name it. */
  clear(): void {
    this.replaceBody(undefined);
    this.desired = NOTHING;
    this.acknowledged = undefined;
    this.feedback = NO_FEEDBACK;
  }

  #cutLate(maxLength: number): void {
    const { error, duration } = this.desired;
    const output = outputText(this.desired.output);
    this.#overrides = undefined;
    this.desired = {
      duration,
      output: output && cutText(output, maxLength),
      error: error && cutText(error, maxLength),
    };
  }
}

function differenceOf(desired: Readonly<EncodedLate>, acknowledged: Readonly<EncodedLate>): EncodedLate | undefined {
  const output = isSameOutput(desired.output, acknowledged.output) ? undefined : desired.output;
  const error = desired.error === acknowledged.error ? undefined : desired.error;
  const duration = desired.duration === acknowledged.duration ? undefined : desired.duration;
  const isNothing = output === undefined && error === undefined && duration === undefined;
  return isNothing ? undefined : { output, error, duration };
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

/** Returns `late`, with the fields that it lacks taken from `below`. */
function over(late: Readonly<EncodedLate> | undefined, below: Readonly<EncodedLate>): Readonly<EncodedLate> {
  if (!late) return below;
  return {
    output: late.output ?? below.output,
    error: late.error ?? below.error,
    duration: late.duration ?? below.duration,
  };
}

/** Returns the entry as the ledger may change it. The cast is safe: only this room creates entries. */
export function mutable(entry: LogEntry): MutableEntry {
  return entry as MutableEntry;
}
