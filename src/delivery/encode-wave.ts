/** Encodes the body of a POST: the JSON of its logs, with the fields that are decided last. */
import type { LogEntry } from './ledger/log-entry.ts';

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
