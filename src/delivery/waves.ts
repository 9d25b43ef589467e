/**
 * The logs that may be sent now, and how they are cut into requests.
 *
 * A log is in here only when its parent is acknowledged, so any two of them, of any traces, may share a request: that
 * is a wave. Requests are filled up to the bounds; what a server refuses as too large lowers the bound for good.
 */
import { Fifo } from './fifo.ts';
import type { Late, LogEntry } from './log-entry.ts';

/** Room for the ids, the late fields' names and the comma around one datapoint. */
const FRAME_BYTES = 256;
/** Below this, a server that still finds a request too large will take none. */
const MIN_REQUEST_BYTES = 1024;

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

export class Waves {
  readonly #ready = new Fifo<LogEntry>();
  readonly #maxItems: number;
  #maxBytes: number;

  constructor(bounds: { maxItems: number; maxBytes: number }) {
    this.#maxItems = bounds.maxItems;
    this.#maxBytes = bounds.maxBytes;
  }

  get length(): number {
    return this.#ready.length;
  }

  /** A whole request is waiting, so that gathering longer gains nothing. */
  get isFull(): boolean {
    return this.#ready.length >= this.#maxItems;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  add(entry: LogEntry): void {
    this.#ready.push(entry);
  }

  /** In front of all others: they have waited longest. */
  addAgain(entries: readonly LogEntry[]): void {
    this.#ready.unshift(entries);
  }

  /** The logs of the next request. One that is larger than the bound goes alone. */
  take(): LogEntry[] {
    const batch: LogEntry[] = [];
    let bytes = 0;
    let limit = this.#maxItems;
    for (let entry = this.#ready.peek(); entry; entry = this.#ready.peek()) {
      if (entry.state === 'ready') {
        limit = Math.min(limit, entry.batchLimit);
        bytes += entry.wireBytes + FRAME_BYTES;
        if (batch.length > 0 && (batch.length >= limit || bytes > this.#maxBytes)) break;
        batch.push(entry);
      }
      this.#ready.shift();
    }
    return batch;
  }

  /** The server found a request of these bytes too large. */
  learnTooLarge(requestBytes: number): void {
    this.#maxBytes = Math.max(MIN_REQUEST_BYTES, Math.min(this.#maxBytes, Math.floor(requestBytes / 2)));
  }
}

/** The body of a request, parents named as they stand at this moment. */
export function encodeWave(entries: readonly LogEntry[]): Buffer {
  const parts: Buffer[] = [OPEN];
  for (const entry of entries) {
    if (parts.length > 1) parts.push(COMMA);
    const body = entry.body as Buffer;
    const isEmpty = body.length <= 2;
    parts.push(Buffer.from(head(entry) + (isEmpty ? '}' : ',')));
    if (!isEmpty) parts.push(body.subarray(1));
  }
  parts.push(CLOSE);
  return Buffer.concat(parts);
}

/** The datapoint's opening brace and the fields that are decided last: who it is, under whom, and the late ones. */
function head(entry: LogEntry): string {
  const ids = { reference_id: entry.referenceId, parent_reference_id: entry.effectiveParent?.referenceId };
  return JSON.stringify({ ...ids, ...entry.desired } satisfies Late & Record<string, unknown>).slice(0, -1);
}
