/**
 * How the logs that are ready are cut into requests, and the body of one.
 *
 * A log is ready only when its parent is acknowledged, so any two of them, of any traces, may share a request: that
 * is a wave. Requests are filled up to the bounds; what a server refuses as too large lowers the bound for good.
 */
import type { Ledger } from './ledger/ledger.ts';
import type { LogEntry } from './ledger/log-entry.ts';

/** Room for the ids, the late fields' names and the comma around one datapoint. */
const FRAME_BYTES = 256;
/** Below this, a server that still finds a request too large will take none. */
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

  /** A whole request is waiting, so that gathering longer gains nothing. */
  get isFull(): boolean {
    return this.#ledger.readyCount >= this.#maxItems;
  }

  /** The logs of the next request, which are being sent from now on. One that is larger than the bound goes alone. */
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

  /** The server found a request of these bytes too large. */
  learnTooLarge(requestBytes: number): void {
    this.#maxBytes = Math.max(MIN_REQUEST_BYTES, Math.min(this.#maxBytes, Math.floor(requestBytes / 2)));
  }
}

/** The body of a request, parents named as they stand at this moment. */
export function encodeWave(entries: readonly LogEntry[]): Buffer {
  const pieces: string[] = [];
  let length = 2;
  for (const entry of entries) {
    const body = entry.body as string;
    const start = (pieces.length === 0 ? '[' : ',') + head(entry);
    // An empty body, `{}`, has no field that the comma could stand before.
    pieces.push(body.length <= 2 ? start : `${start},`, body.slice(1));
    length += start.length + body.length + 1;
  }
  pieces.push(']');
  return encode(pieces, length);
}

/** Bytes that one UTF-16 unit takes at most in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const MAX_SCRATCH_BYTES = 4 * 1024 * 1024;
let scratch = Buffer.alloc(0);

/**
 * Piece by piece, since one character beyond Latin-1 makes the encoding of a whole string slower, and into memory that
 * is used again, since the size is known only afterwards.
 */
function encode(pieces: readonly string[], length: number): Buffer {
  const maxBytes = length * MAX_BYTES_PER_UNIT;
  if (maxBytes > MAX_SCRATCH_BYTES) return Buffer.from(pieces.join(''));
  if (scratch.length < maxBytes) scratch = Buffer.allocUnsafeSlow(maxBytes);
  let offset = 0;
  for (const piece of pieces) offset += scratch.write(piece, offset);
  return Buffer.from(scratch.subarray(0, offset));
}

/** The datapoint's opening brace and the fields that are decided last: who it is, under whom, and the late ones. */
function head({ referenceId, effectiveParent, desired }: LogEntry): string {
  let json = `{"reference_id":"${referenceId}"`;
  if (effectiveParent) json += `,"parent_reference_id":"${effectiveParent.referenceId}"`;
  if (desired.output !== undefined) json += `,"output":${JSON.stringify(desired.output)}`;
  if (desired.error !== undefined) json += `,"error":${JSON.stringify(desired.error)}`;
  if (desired.duration !== undefined) json += `,"duration":${desired.duration}`;
  return json;
}
