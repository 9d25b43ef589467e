/**
 * Decides from where requests may come: under which names the server is asked for, and from which web pages.
 *
 * A server on a loopback address is guarded by that address alone, and a web page in the user's browser can reach it:
 * by a name of its own that resolves to 127.0.0.1 (the check of the host stops that), by a plain cross-site POST (the
 * check of the origin), or by an image whose address is an operation (the check of the site).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { HttpError } from './http-error.ts';

export interface OriginRules {
  /** Whether only a request for a loopback name or address, or for the public one, is served. */
  readonly isLoopbackOnly: boolean;
  /** Where readers find the server: the address of the proxy before it. */
  readonly publicUrl?: URL | undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** A name or address, as a user writes it or as it is in a URL. No other site can have one of these. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const family = isIP(name);
  if (family === 0) return name === 'localhost';
  // The list takes ten times as long, which each request waits for.
  return family === 4 ? name.startsWith('127.') : LOOPBACK.check(name, 'ipv6');
}

/** @throws {HttpError} if the request is refused, whatever it asks for. */
export function checkOrigin(headers: IncomingHttpHeaders, { isLoopbackOnly, publicUrl }: OriginRules): void {
  const { host } = headers;
  // Only HTTP/1.0 does without, which no browser speaks: such a request comes from no page.
  if (isLoopbackOnly && host !== undefined && !isLoopback(hostName(host)) && hostName(host) !== publicUrl?.hostname) {
    throw new HttpError(403, `the host ${JSON.stringify(host)} is not served here`);
  }
  const { origin } = headers;
  if (origin !== undefined && origin !== publicUrl?.origin && origin.replace(/^https?:\/\//, '') !== host) {
    throw new HttpError(403, 'requests from pages of another origin are refused');
  }
  if (isFromOtherSite(headers)) throw new HttpError(403, 'requests from pages of another site are refused');
}

/** A link may lead here from anywhere. What a page loads by itself, as an image, frame or script, may not. */
function isFromOtherSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document';
}

function hostName(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}
