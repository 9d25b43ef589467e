/**
 * One log on its way to the server: what it should be, and what the server has acknowledged.
 *
 * States, and how each is left:
 * - `new`        known to be a log, not mapped yet             → `waiting` or `ready` when offered
 * - `waiting`    mapped; its parent is not acknowledged        → `ready` when the parent is delivered or dropped
 * - `ready`      may join the next wave                        → `sending`
 * - `sending`    in a POST                                     → `delivered`, `ready` (once more), `unsure`, `dropped`
 * - `unsure`     the POST's answer was lost: stored or not?    → `delivered` or `ready`, as an update by reference tells
 * - `delivered`  stored; updates go out for what differs       (stays)
 * - `dropped`    given up, counted with a reason               (stays); its children move to its own parent
 */
import { cutText, shrinkJson } from '../datapoint/shrink.ts';

export type EntryState = 'new' | 'waiting' | 'ready' | 'sending' | 'unsure' | 'delivered' | 'dropped';

/** The three fields that v4 can change after a log is stored. */
export interface Late {
  output?: string | undefined;
  error?: string | undefined;
  /** Seconds. */
  duration?: number | undefined;
}

const NOTHING: Late = { output: undefined, error: undefined, duration: undefined };

/** A question to the server about the logs of a request whose answer was lost. */
export interface Probe {
  readonly entries: readonly LogEntry[];
  readonly absent: LogEntry[];
  openCount: number;
  isAnyThere: boolean;
}

export class LogEntry {
  readonly referenceId: string;
  readonly parent: LogEntry | undefined;
  /** All logs of the trace, so that a trace can be dropped whole. */
  readonly family: LogEntry[];
  state: EntryState = 'new';
  /** The datapoint as JSON, without its reference ids and the late fields; kept as long as a POST may need it. */
  body: string | undefined;
  desired: Late = NOTHING;
  /** What the app said through `update()`. It outranks what the span says, whenever that comes. */
  overrides: Late | undefined;
  acknowledged: Late | undefined;
  /** Length of the body where it is on disk only. */
  storedBytes: number | undefined;
  /** Start of the span, Unix milliseconds. */
  startedMillis = 0;
  /** The span has ended, so that nothing but an explicit update can follow. */
  isFinal = false;
  /** An update is queued or in flight. */
  isUpdating = false;
  /** A server that had lost the log got it once more. Not twice: it would lose it again. */
  wasPostedAgain = false;
  /** Counts how often the log was written, so that an older writing that comes late is told apart. */
  version = 0;
  probe: Probe | undefined;
  /** Children that wait for this log. */
  waiters: LogEntry[] | undefined;
  /** Place in the order of arrival, 0 while nothing is to be done: what a flush waits for. */
  sequence = 0;
  /** Monotonic milliseconds of the first attempt at what is being sent, for `maxElapsedMillis`. */
  firstAttemptMillis: number | undefined;
  /** At most this many logs in a request with this one: halved while the one that a server refuses is looked for. */
  batchLimit = Number.POSITIVE_INFINITY;
  /** How often in a row a server answered a request that held this log with an error of its own. */
  serverErrors = 0;

  constructor(referenceId: string, parent: LogEntry | undefined, family: LogEntry[]) {
    this.referenceId = referenceId;
    this.parent = parent;
    this.family = family;
    family.push(this);
  }

  /** Estimated: a character counts as one byte. */
  get bytes(): number {
    return (this.body?.length ?? 0) + (this.desired.output?.length ?? 0) + (this.desired.error?.length ?? 0);
  }

  /** What it adds to a request, but for its ids. */
  get wireBytes(): number {
    return this.bytes + (this.storedBytes ?? 0);
  }

  /** Mapped and not known to be stored. */
  get isUnsent(): boolean {
    return this.state === 'waiting' || this.state === 'ready' || this.state === 'unsure';
  }

  /** The nearest ancestor that was not dropped: the one to name as parent, once it is delivered. */
  get effectiveParent(): LogEntry | undefined {
    let parent = this.parent;
    while (parent?.state === 'dropped') parent = parent.parent;
    return parent;
  }

  /** What the server has not acknowledged yet, or `undefined` if there is nothing. */
  difference(): Late | undefined {
    const { desired, acknowledged = NOTHING } = this;
    const output = desired.output === acknowledged.output ? undefined : desired.output;
    const error = desired.error === acknowledged.error ? undefined : desired.error;
    const duration = desired.duration === acknowledged.duration ? undefined : desired.duration;
    const isNothing = output === undefined && error === undefined && duration === undefined;
    return isNothing ? undefined : { output, error, duration };
  }

  /** Takes over what is said; a field that is not said keeps its value, since v4 has no way to clear one. */
  desire(late: Late): void {
    this.desired = over(this.overrides, over(late, this.desired));
  }

  override(late: Late): void {
    this.overrides = over(late, this.overrides ?? NOTHING);
    this.desire(NOTHING);
  }

  acknowledge(late: Late): void {
    this.acknowledged = over(late, this.acknowledged ?? NOTHING);
  }

  /** Its body and texts are on disk. */
  unload(): void {
    this.storedBytes = this.bytes;
    this.body = undefined;
    this.desired = { ...NOTHING, duration: this.desired.duration };
  }

  /** Back from disk. What was said meanwhile holds. */
  load(body: string, late: Late): void {
    this.body = body;
    this.desired = over(this.desired, late);
    this.storedBytes = undefined;
  }

  /** Cuts the longest texts until the log fits into `maxBytes`. `false` where that cannot be reached. */
  shrink(maxBytes: number): boolean {
    this.#cutLate(Math.floor(maxBytes / 8));
    const body = this.body && shrinkJson(this.body, Math.floor(maxBytes / 2));
    if (body) this.body = body;
    return body !== undefined;
  }

  /** What is done is remembered by its reference only: late children and updates may still name it. */
  release(): void {
    this.body = undefined;
    this.storedBytes = undefined;
    this.desired = NOTHING;
    this.acknowledged = undefined;
  }

  /** Halves the texts of an update that is too large. */
  shrinkLate(): void {
    const { output = '', error = '' } = this.desired;
    this.#cutLate(Math.floor(Math.max(output.length, error.length) / 2));
  }

  #cutLate(maxLength: number): void {
    const { output, error, duration } = this.desired;
    this.overrides = undefined;
    this.desired = {
      duration,
      output: output && cutText(output, maxLength),
      error: error && cutText(error, maxLength),
    };
  }
}

function over(late: Late | undefined, below: Late): Late {
  if (!late) return below;
  return {
    output: late.output ?? below.output,
    error: late.error ?? below.error,
    duration: late.duration ?? below.duration,
  };
}

/** Whether what is being sent has been tried for too long. */
export function isExpired(entry: LogEntry, maxElapsedMillis: number): boolean {
  return performance.now() - (entry.firstAttemptMillis ?? Number.POSITIVE_INFINITY) >= maxElapsedMillis;
}
