/**
 * The viewer asks for the API key once. The browser then keeps a proof of the key with times in it, not the key, in a
 * cookie that scripts cannot read and that requests from other sites do not carry.
 *
 * A login ends when the reader ends it, when nothing was asked for a week, and after 30 days. While it is in use, its
 * cookie is replaced by newer ones. Nothing is stored but the logins that were ended, until this process ends.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const MAX_IDLE_SECONDS = 7 * 24 * 60 * 60;
const MAX_AGE_SECONDS = 30 * 24 * 60 * 60;
/** A cookie that is older is replaced. */
const RENEW_SECONDS = 60 * 60;
const MAX_ENDED = 10_000;

export interface Login {
  /** Is the same in all cookies of one login. */
  readonly id: string;
  /** Seconds since 1970: of the login, and of this cookie. */
  readonly since: number;
  readonly issued: number;
  /** Whether the reader came by the public address. */
  readonly isPublic: boolean;
}

export interface ViewerCookies {
  /** Returns the `Set-Cookie` header for a caller who has given the key; `undefined` for another key. */
  create(givenKey: string, isPublic: boolean, nowMillis?: number): string | undefined;
  /** Returns the login that the `Cookie` header proves. */
  read(cookies: string | undefined, nowMillis?: number): Login | undefined;
  /** Returns the `Set-Cookie` header with a newer cookie; `undefined` if this one is new enough. */
  renew(login: Login, nowMillis?: number): string | undefined;
  /** Ends the login, also for those who have copied its cookie. Returns the `Set-Cookie` header that removes it. */
  end(login: Login): string;
}

export function createViewerCookies(apiKey: string, publicUrl?: URL): ViewerCookies {
  const ended = new Set<string>();
  // The name depends on the key: cookies do not tell ports apart, so two servers on one machine need two names.
  const name = `humanloop_otel_${proof(apiKey, 'name').toString('hex').slice(0, 8)}`;

  const write = (value: string, maxAgeSeconds: number, isPublic: boolean): string => {
    const path = (isPublic && publicUrl?.pathname.replace(/\/+$/, '')) || '/';
    const secure = isPublic && publicUrl?.protocol === 'https:' ? '; Secure' : '';
    return `${name}=${value}; HttpOnly; SameSite=Strict; Path=${path}; Max-Age=${maxAgeSeconds}${secure}`;
  };

  const issue = (id: string, since: number, isPublic: boolean, now: number): string => {
    const claims = `${id}.${since}.${now}.${isPublic ? 'public' : 'local'}`;
    const maxAge = Math.max(0, Math.min(MAX_IDLE_SECONDS, since + MAX_AGE_SECONDS - now));
    return write(`${claims}.${proof(apiKey, claims).toString('hex')}`, maxAge, isPublic);
  };

  return {
    create: (givenKey, isPublic, nowMillis) => {
      if (!timingSafeEqual(proof(givenKey, 'login'), proof(apiKey, 'login'))) return undefined;
      const now = toSeconds(nowMillis);
      return issue(randomBytes(16).toString('hex'), now, isPublic, now);
    },
    read: (cookies, nowMillis) => {
      // Browsers send the cookie with the longest path first; another may be left from a reader without proxy.
      for (const cookie of cookies?.split(/; */) ?? []) {
        if (!cookie.startsWith(`${name}=`)) continue;
        const login = readProven(cookie.slice(name.length + 1), apiKey);
        if (login && !ended.has(login.id) && isFresh(login, toSeconds(nowMillis))) return login;
      }
      return undefined;
    },
    renew: ({ id, since, issued, isPublic }, nowMillis) => {
      const now = toSeconds(nowMillis);
      return now - issued < RENEW_SECONDS ? undefined : issue(id, since, isPublic, now);
    },
    end: ({ id, isPublic }) => {
      ended.add(id);
      for (const oldest of ended) {
        if (ended.size <= MAX_ENDED) break;
        ended.delete(oldest);
      }
      return write('', 0, isPublic);
    },
  };
}

function readProven(value: string, apiKey: string): Login | undefined {
  const [, claims = '', id = '', since, issued, place, signature = ''] =
    /^(([0-9a-f]{32})\.(\d{1,12})\.(\d{1,12})\.(public|local))\.([0-9a-f]{64})$/.exec(value) ?? [];
  if (!claims || !timingSafeEqual(Buffer.from(signature, 'hex'), proof(apiKey, claims))) return undefined;
  return { id, since: Number(since), issued: Number(issued), isPublic: place === 'public' };
}

/** A clock may have been set back since. */
function isFresh({ since, issued }: Login, now: number): boolean {
  return Math.abs(now - issued) <= MAX_IDLE_SECONDS && Math.abs(now - since) <= MAX_AGE_SECONDS;
}

function toSeconds(millis = Date.now()): number {
  return Math.floor(millis / 1000);
}

function proof(key: string, text: string): Buffer {
  return createHmac('sha256', key).update(`humanloop-otel viewer ${text}`).digest();
}
