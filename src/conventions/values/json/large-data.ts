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

/**
 * Of base64 that is decoded at once: four characters are three bytes. Memory for all of it costs several times what
 * decoding does.
 */
const SLICE_CHARS = 64 * 1024;

/** Returns `[image/png, 123456 bytes, sha256:…]` for a data URL, base64 text or bytes. */
export function placeholderOf(data: string | Uint8Array, mimeType?: string): string {
  const head = typeof data === 'string' ? DATA_URL_HEAD.exec(data.slice(0, 256)) : null;
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  let byteCount = 0;
  for (const bytes of typeof data === 'string' ? decode(data, head?.[0].length ?? 0) : [data]) {
    hash.update(bytes);
    byteCount += bytes.byteLength;
  }
  return `[${head?.[1] || mimeType || 'data'}, ${byteCount} bytes, sha256:${hash.digest('hex')}]`;
}

/** Yields the bytes of the base64 after `start`, in pieces that last until the next one. */
function* decode(text: string, start: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe((SLICE_CHARS / 4) * 3);
  let at = start;
  while (at < text.length) {
    const isLast = text.length - at <= SLICE_CHARS;
    const slice = text.slice(at, at + SLICE_CHARS);
    // White space, padding and what else is not base64 gives fewer bytes: then groups of four begin elsewhere.
    if (isLast || buffer.write(slice, 'base64') < buffer.length) return yield Buffer.from(text.slice(at), 'base64');
    yield buffer;
    at += SLICE_CHARS;
  }
}
