/**
 * Cuts the ready logs into requests.
 *
 * A log is ready only when its parent is acknowledged, so any ready logs, of any traces, may share a request: that is a
 * wave. A request is filled up to the bounds. If the server refuses one as too large, the bound is lowered for good.
 */
import type { Ledger } from './ledger/ledger.ts';
import type { LogEntry } from './ledger/log-entry.ts';

/** Bytes for the ids, the late fields' names and the comma around one datapoint. */
const FRAME_BYTES = 256;
/** A server that refuses even this as too large would accept nothing. */
const MIN_REQUEST_BYTES = 1024;

export class Waves {
  readonly #ledger: Ledger;
  readonly #maxItems: number;
  #maxBytes: number;

  constructor(ledger: Ledger, bounds: { readonly maxItems: number; readonly maxBytes: number }) {
    this.#ledger = ledger;
    this.#maxItems = bounds.maxItems;
    this.#maxBytes = bounds.maxBytes;
  }

  /** True if a full request is waiting: gathering longer gains nothing. */
  get isFull(): boolean {
    return this.#ledger.readyCount >= this.#maxItems;
  }

  /** Returns the logs of the next request and marks them as being sent. A log larger than the bound goes alone. */
  take(): LogEntry[] {
    const wave: LogEntry[] = [];
    let bytes = 0;
    let limit = this.#maxItems;
    while (true) {
      const next = this.#ledger.nextReady;
      if (!next) break;
      const bytesWith = bytes + next.wireBytes + FRAME_BYTES;
      const limitWith = Math.min(limit, next.batchLimit);
      if (wave.length > 0 && (wave.length >= limitWith || bytesWith > this.#maxBytes)) break;
      const entry = this.#ledger.startSending();
      if (!entry) continue;
      wave.push(entry);
      bytes = bytesWith;
      limit = limitWith;
    }
    return wave;
  }

  /** Lowers the bound after the server refused a request of `requestBytes` as too large. */
  learnTooLarge(requestBytes: number): void {
    this.#maxBytes = Math.max(MIN_REQUEST_BYTES, Math.min(this.#maxBytes, Math.floor(requestBytes / 2)));
  }
}
