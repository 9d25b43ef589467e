/** Who may talk to the server. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hasViewerCookie } from './cookie.ts';
import { HttpError } from './http-error.ts';

export interface AccessRules {
  readonly apiKey?: string;
  /** Host names that a request may name; `undefined` for any. */
  readonly allowedHosts?: ReadonlySet<string>;
}

/**
 * A server on a loopback address has no other guard than that address, and a web page in the user's browser can reach
 * it: by a name of its own that resolves to 127.0.0.1 (the Host check stops that), or by a plain cross-site POST (the
 * Origin check stops that). Throws an `HttpError`.
 */
export function checkOrigin(headers: IncomingHttpHeaders, rules: AccessRules): void {
  const host = headers.host ?? '';
  if (rules.allowedHosts && !rules.allowedHosts.has(hostName(host))) {
    throw new HttpError(403, `the host ${JSON.stringify(host)} is not served here`);
  }
  if (headers.origin !== undefined && headers.origin.replace(/^https?:\/\//, '') !== host) {
    throw new HttpError(403, 'requests from pages of another origin are refused');
  }
}

/** Throws an `HttpError`. */
export function checkApiKey(headers: IncomingHttpHeaders, rules: AccessRules): void {
  const fault = findKeyFault(headers, rules);
  if (fault !== undefined) throw new HttpError(401, fault);
}

/**
 * In constant time, over digests, so that neither content nor length of the key can be measured. The viewer, which has
 * shown the key before, shows its cookie. `undefined` for whom may read and write.
 */
export function findKeyFault(headers: IncomingHttpHeaders, rules: AccessRules): string | undefined {
  if (rules.apiKey === undefined || hasViewerCookie(headers.cookie, rules.apiKey)) return undefined;
  const given = headers['x-api-key'];
  if (typeof given !== 'string') return 'the header X-API-KEY is missing';
  return timingSafeEqual(digest(given), digest(rules.apiKey)) ? undefined : 'the API key is not valid';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

export const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
