/**
 * Decides who may do what, once for each request and from its headers alone. A route says what it needs; a caller has a
 * set of needs that are met.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createViewerCookies, type Login, type ViewerCookies } from './cookie.ts';
import { HttpError } from './http-error.ts';
import { createLoginThrottle } from './login-throttle.ts';
import { checkOrigin } from './origin.ts';

/** Any key meets `key`, whatever else it allows. */
export type Need = 'nothing' | 'key' | 'read' | 'write';

export interface Caller {
  readonly may: ReadonlySet<Need>;
  /** The detail of the 401 for what the caller may not do. */
  readonly fault: string;
  /** Of the reader's machine, as far as it is known. */
  readonly address: string;
  /** Whether a page at the public address asks; of requests that are from no page it is assumed. */
  readonly isPublic: boolean;
  /** Of a reader who has logged in. */
  readonly login?: Login | undefined;
}

export interface Access {
  /** Throws a 403 `HttpError` for a refused host, origin or site, whatever the request asks for. */
  admit(headers: IncomingHttpHeaders, remoteAddress?: string): Caller;
  /**
   * Exchanges the key, which a reader has typed into the viewer, for a cookie that has the same effect. Returns the
   * `Set-Cookie` header; `undefined` where no key is needed. Throws a 401 `HttpError` for another key, and a 429 after
   * too many of them.
   */
  logIn(givenKey: string, caller: Caller): string | undefined;
  /** Returns the `Set-Cookie` header for a caller whose cookie should be replaced by a newer one. */
  renew(caller: Caller): string | undefined;
  /** Ends the caller's login, if there is one. Returns the `Set-Cookie` header that removes its cookie. */
  logOut(caller: Caller): string | undefined;
}

export interface AccessRules {
  /** The key that every caller must give; `undefined` lets everyone do everything. */
  readonly apiKey?: string | undefined;
  /** Whether only a request for a loopback name, or for the public one, is served. Default false. */
  readonly isLoopbackOnly?: boolean;
  /** Where readers find the server, if a proxy is before it. */
  readonly publicUrl?: URL | undefined;
}

const WRONG_KEY = 'the API key is not valid';
/** The server has one key, and it allows everything. */
const EVERYTHING: Caller['may'] = new Set<Need>(['nothing', 'key', 'read', 'write']);
const NOTHING: Caller['may'] = new Set<Need>(['nothing']);

export function createAccess({ apiKey, isLoopbackOnly = false, publicUrl }: AccessRules): Access {
  const cookies = apiKey === undefined ? undefined : createViewerCookies(apiKey, publicUrl);
  const identify: Identify =
    apiKey === undefined || !cookies ? () => ({ may: EVERYTHING, fault: '' }) : createIdentification(apiKey, cookies);
  const throttle = createLoginThrottle();
  return {
    admit: (headers, remoteAddress = '') => {
      checkOrigin(headers, { isLoopbackOnly, publicUrl });
      const { may, fault, login } = identify(headers);
      return {
        may,
        fault,
        login,
        address: publicUrl ? forwardedAddress(headers, remoteAddress) : remoteAddress,
        isPublic: publicUrl !== undefined && (headers.origin ?? publicUrl.origin) === publicUrl.origin,
      };
    },
    logIn: (givenKey, { address, isPublic }) => {
      if (!cookies) return undefined;
      const waitSeconds = throttle.guess(address);
      if (waitSeconds !== undefined) {
        const detail = `too many wrong keys: try again in ${waitSeconds} s`;
        throw new HttpError(429, detail, { 'Retry-After': String(waitSeconds) });
      }
      const cookie = cookies.create(givenKey, isPublic);
      if (!cookie) throw new HttpError(401, WRONG_KEY);
      throttle.forget(address);
      return cookie;
    },
    renew: ({ login }) => login && cookies?.renew(login),
    logOut: ({ login }) => login && cookies?.end(login),
  };
}

type Identify = (headers: IncomingHttpHeaders) => Pick<Caller, 'may' | 'fault' | 'login'>;

/** Compares keys in constant time, over digests, so that neither content nor length of the key can be measured. */
function createIdentification(apiKey: string, cookies: ViewerCookies): Identify {
  const expected = digest(apiKey);
  return (headers) => {
    // The viewer has given the key before and shows its cookie now.
    const login = cookies.read(headers.cookie);
    if (login) return { may: EVERYTHING, fault: '', login };
    const given = headers['x-api-key'] ?? bearerOf(headers);
    if (typeof given !== 'string') return { may: NOTHING, fault: 'the header X-API-KEY is missing' };
    return timingSafeEqual(digest(given), expected)
      ? { may: EVERYTHING, fault: '' }
      : { may: NOTHING, fault: WRONG_KEY };
  };
}

/** What OpenTelemetry's senders are mostly configured with. */
function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]?.trim();
}

/**
 * The proxy has added the last address; the client may have made up those before it. Some add the port, which is another
 * for each connection.
 */
function forwardedAddress(headers: IncomingHttpHeaders, remoteAddress: string): string {
  const last = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim();
  const [, address = last] = /^\[([^\]]*)\]|^([\d.]+):\d+$/.exec(last ?? '')?.filter(Boolean) ?? [];
  return address || remoteAddress;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
