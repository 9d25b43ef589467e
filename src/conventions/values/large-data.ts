/**
 * Files inside messages. Small images stay, so that they can be looked at; megabytes of base64 become a placeholder with
 * the size and the SHA-256 of the bytes, by which the file can be found again.
 */
import { createHash } from 'node:crypto';

/** Base64 characters that may stay in a datapoint. */
const MAX_INLINE_CHARS = 64 * 1024;
const BASE64 = /^[A-Za-z0-9+/_-]+$/;
const DATA_URL_HEAD = /^data:([^;,]{0,100})[^,]{0,100},/;

/** Whether a string is a data URL or bare base64, too large to keep. */
export function isLargeData(text: string): boolean {
  if (text.length <= MAX_INLINE_CHARS) return false;
  if (text.startsWith('data:')) return DATA_URL_HEAD.test(text.slice(0, 256));
  // Text has white space and punctuation long before this; a sample at both ends is enough.
  return BASE64.test(text.slice(0, 1024)) && BASE64.test(text.slice(-1024, -4));
}

/** `[image/png, 123456 bytes, sha256:…]` */
export function placeholderOf(data: string | Uint8Array, mimeType?: string): string {
  let type = mimeType;
  let bytes: Uint8Array;
  if (typeof data === 'string') {
    const head = DATA_URL_HEAD.exec(data.slice(0, 256));
    if (head) type = head[1] || type;
    bytes = Buffer.from(head ? data.slice(head[0].length) : data, 'base64');
  } else {
    bytes = data;
  }
  const hash = createHash('sha256').update(bytes).digest('hex');
  return `[${type ?? 'data'}, ${bytes.byteLength} bytes, sha256:${hash}]`;
}
