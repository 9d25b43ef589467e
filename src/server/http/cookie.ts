/**
 * With an API key set, the viewer asks for it once. What the browser keeps is not the key but a proof of it with a time
 * in it, in a cookie that scripts cannot read and that no other site's request carries.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const MAX_AGE_SECONDS = 30 * 24 * 60 * 60;

/** The `Set-Cookie` header for one who has given the key; `undefined` if it is another key. */
export function createViewerCookie(givenKey: string, apiKey: string, nowMillis = Date.now()): string | undefined {
  if (!timingSafeEqual(proof(givenKey, 'login'), proof(apiKey, 'login'))) return undefined;
  const issued = String(Math.floor(nowMillis / 1000));
  const value = `${issued}.${proof(apiKey, issued).toString('hex')}`;
  return `${cookieName(apiKey)}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${MAX_AGE_SECONDS}`;
}

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

/** Cookies do not tell ports apart: two servers on one machine need two names. */
function cookieName(apiKey: string): string {
  return `humanloop_otel_${proof(apiKey, 'name').toString('hex').slice(0, 8)}`;
}

function proof(key: string, text: string): Buffer {
  return createHmac('sha256', key).update(`humanloop-otel viewer ${text}`).digest();
}
