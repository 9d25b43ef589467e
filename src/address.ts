/** The address of the v4 API: which ones are valid, what is wrong with others, and which are known to lead nowhere. */

/** Humanloop switched its service off on 2025-09-08. Nothing may be sent to a name that its owner may let go. */
const CLOSED_SERVICE = /(^|\.)humanloop\.com\.?$/i;

export function isAddress(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const url = new URL(value);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
}

/** Returns what is wrong with a text that is not a valid address. It has no more of the text than is certainly public. */
export function explainAddress(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (/^\s|\s$/.test(value)) return 'it begins or ends with white space';
  if (/^["'`<]/.test(value)) return 'it has quotation marks around it';
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value) ?? [];
  if (!scheme) return explainMissingScheme(value);
  if (!/^https?$/i.test(scheme)) return `it begins with ${scheme.toLowerCase()}://`;
  if (!URL.canParse(value)) return explainUnreadable(value);
  const url = new URL(value);
  if (url.username || url.password) return 'it has credentials: remove them, and set apiKey or HUMANLOOP_API_KEY';
  return url.search
    ? 'it has a query: remove the ? and what follows'
    : 'it has a fragment: remove the # and what follows';
}

/** Returns true if nothing may be sent to this valid address. */
export function isClosedService(baseUrl: string): boolean {
  return CLOSED_SERVICE.test(new URL(baseUrl).hostname);
}

/** Returns true if the host of this valid address is this machine. */
export function isLoopback(baseUrl: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\]|.*\.localhost)$/.test(new URL(baseUrl).hostname);
}

function explainMissingScheme(value: string): string {
  const address = `http://${value.replace(/^\/\//, '')}`;
  if (/^https?:/i.test(value) || !isAddress(address)) return 'http:// is missing at its beginning';
  const { host, pathname } = new URL(address);
  // An API key in the wrong variable must not be printed.
  if (!/[.:]|^localhost$/.test(host)) return 'http:// is missing at its beginning';
  const scheme = isLoopback(address) ? 'http' : 'https';
  const path = pathname.endsWith('/v4') ? pathname : '/v4';
  return `${scheme}:// is missing: did you mean ${scheme}://${host}${path}?`;
}

function explainUnreadable(value: string): string | undefined {
  const [, port] = /^https?:\/\/[^/?#@]*:([^/?#@:]*)([/?#]|$)/i.exec(value) ?? [];
  if (port !== undefined && !(/^\d*$/.test(port) && Number(port) <= 65_535)) {
    return 'what follows the last : of its host is not a port';
  }
  return 'its host is not valid';
}

/** `postgres://user@host/database`. The driver would take several hosts for the name of one. */
export function isPostgresAddress(value: unknown): boolean {
  if (typeof value !== 'string' || !/^postgres(?:ql)?:\/\//.test(value) || !URL.canParse(value)) return false;
  const { host, searchParams } = new URL(value);
  return ![host, ...searchParams.getAll('host')].some((each) => each.includes(','));
}
