/**
 * The viewer asks for the API key once. The browser then keeps a proof of the key with the time in it, not the key, in
 * a cookie that scripts cannot read and that requests from other sites do not carry.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const MAX_AGE_SECONDS = 30 * 24 * 60 * 60;

/** Returns the `Set-Cookie` header for a caller who has given the key; `undefined` for another key. */
export function createViewerCookie(givenKey: string, apiKey: string, nowMillis = Date.now()): string | undefined {
  if (!timingSafeEqual(proof(givenKey, 'login'), proof(apiKey, 'login'))) return undefined;
  const issued = String(Math.floor(nowMillis / 1000));
  const value = `${issued}.${proof(apiKey, issued).toString('hex')}`;
  return `${cookieName(apiKey)}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${MAX_AGE_SECONDS}`;
}

/** Whether the `Cookie` header has a proof of the key that is not older than its maximum age. */
export function hasViewerCookie(cookies: string | undefined, apiKey: string, nowMillis = Date.now()): boolean {
  if (cookies === undefined) return false;
  const name = `${cookieName(apiKey)}=`;
  const value =
    cookies
      .split(/; */)
      .find((cookie) => cookie.startsWith(name))
      ?.slice(name.length) ?? '';
  const [, issued, signature] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(value) ?? [];
  if (issued === undefined || signature === undefined) return false;
  const isFresh = Math.abs(nowMillis / 1000 - Number(issued)) <= MAX_AGE_SECONDS;
  return isFresh && timingSafeEqual(Buffer.from(signature, 'hex'), proof(apiKey, issued));
}

/** The name depends on the key: cookies do not tell ports apart, so two servers on one machine need two names. */
function cookieName(apiKey: string): string {
  return `humanloop_otel_${proof(apiKey, 'name').toString('hex').slice(0, 8)}`;
}

function proof(key: string, text: string): Buffer {
  return createHmac('sha256', key).update(`humanloop-otel viewer ${text}`).digest();
}
