/** Decodes UTF-8 of long texts in a faster way. */
import { isAscii, isUtf8, transcode } from 'node:buffer';

/** In bytes. Below, to look at the bytes first costs more than it saves. */
const LONG = 1_024;

/**
 * Decodes as `toString` does, which takes seven times as long from the first character on that is not ASCII. A runtime
 * without ICU has no `transcode`.
 */
export function decodeUtf8(bytes: Buffer): string {
  const isPlain = bytes.length < LONG || isAscii(bytes) || !isUtf8(bytes);
  if (isPlain || typeof transcode !== 'function') return bytes.toString('utf8');
  return transcode(bytes, 'utf8', 'utf16le').toString('utf16le');
}

/** Decodes a part, of which it is known whether it is ASCII, or else that it is UTF-8. */
export function decodeText(bytes: Buffer, start: number, end: number, isPlain: boolean): string {
  if (isPlain) return bytes.toString('latin1', start, end);
  return end - start < LONG ? bytes.toString('utf8', start, end) : decodeUtf8(bytes.subarray(start, end));
}
