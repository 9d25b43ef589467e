/**
 * Cuts the ready logs into requests and encodes a request's body.
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
    for (let next = this.#ledger.nextReady; next; next = this.#ledger.nextReady) {
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

/** Returns the body of a request. Each log names the parent that it has at this moment. */
export function encodeWave(entries: readonly LogEntry[]): Buffer {
  const pieces: string[] = [];
  let length = 2;
  for (const entry of entries) {
    const body = entry.body as string;
    const start = (pieces.length === 0 ? '[' : ',') + head(entry);
    // An empty body, `{}`, has no field after the comma.
    pieces.push(body.length <= 2 ? start : `${start},`, body.slice(1));
    length += start.length + body.length + 1;
  }
  pieces.push(']');
  return encode(pieces, length);
}

/** Most bytes that one UTF-16 unit takes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const MAX_SCRATCH_BYTES = 4 * 1024 * 1024;
let scratch = Buffer.alloc(0);

/**
 * Encodes piece by piece, since one character beyond Latin-1 makes the encoding of a whole string slower. The scratch
 * memory is reused, since the size is known only afterwards.
 */
function encode(pieces: readonly string[], length: number): Buffer {
  const maxBytes = length * MAX_BYTES_PER_UNIT;
  if (maxBytes > MAX_SCRATCH_BYTES) return Buffer.from(pieces.join(''));
  if (scratch.length < maxBytes) scratch = Buffer.allocUnsafeSlow(maxBytes);
  let offset = 0;
  for (const piece of pieces) offset += scratch.write(piece, offset);
  return Buffer.from(scratch.subarray(0, offset));
}

/**
 * Returns the datapoint's opening brace and the fields that are decided last: its id, its parent and the late fields.
 */
function head({ referenceId, effectiveParent, desired }: LogEntry): string {
  let json = `{"reference_id":"${referenceId}"`;
  if (effectiveParent) json += `,"parent_reference_id":"${effectiveParent.referenceId}"`;
  if (desired.output !== undefined) json += `,"output":${JSON.stringify(desired.output)}`;
  if (desired.error !== undefined) json += `,"error":${JSON.stringify(desired.error)}`;
  if (desired.duration !== undefined) json += `,"duration":${desired.duration}`;
  return json;
}
