/**
 * Files inside messages. Small images stay, so that the viewer can show them; megabytes of base64 become a placeholder
 * with size and SHA-256, by which the file can be found again.
 */

/** Longer data URLs and base64 texts are replaced. */
const MAX_INLINE_CHARS = 64 * 1024;
const BASE64 = /^[A-Za-z0-9+/_-]+$/;
const DATA_URL_HEAD = /^data:([^;,]{0,100})[^,]{0,100},/;

/** Whether a string is a data URL or bare base64 that is too large to keep. */
export function isLargeData(text: string): boolean {
  if (text.length <= MAX_INLINE_CHARS) return false;
  if (text.startsWith('data:')) return DATA_URL_HEAD.test(text.slice(0, 256));
  // Prose would have white space or punctuation by now, so a sample at both ends is enough.
  return BASE64.test(text.slice(0, 1024)) && BASE64.test(text.slice(-1024, -4));
}

/** Returns `[image/png, 123456 bytes, sha256:…]` for a data URL, base64 text or bytes. */
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
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('hex');
  return `[${type ?? 'data'}, ${bytes.byteLength} bytes, sha256:${hash}]`;
}
