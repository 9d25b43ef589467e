/** Says why a server gets no logs, and what to do about it. */
import { isLoopback } from '../address.ts';
import { ServiceClosedError } from '../transport/closed-service.ts';
import { isProxied, nameOfProxy } from '../transport/env-proxy.ts';
import type { TransportOutcome } from '../transport/transport.ts';
import { parseJson } from '../wire/json.ts';

export interface ServerSettings {
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
}

export type Fault = 'closed' | 'refused' | 'unreachable' | 'tls' | 'key' | 'address' | 'answer';

export interface Advice {
  readonly fault: Fault;
  /** Has the address, which has no credentials, and never the key. */
  readonly text: string;
}

const KEY = 'HUMANLOOP_API_KEY (or the option apiKey)';
const ADDRESS = 'HUMANLOOP_BASE_URL (or the option baseUrl)';
const DEFAULT_PORT = '4340';
/** Characters of what a server says of its fault. */
const MAX_DETAIL = 200;

/** Returns undefined if the server works, or only asks to wait. */
export function adviseOn(outcome: TransportOutcome, server: ServerSettings): Advice | undefined {
  if (outcome.kind === 'answered') return adviseOnAnswer(outcome, server);
  return outcome.kind === 'lost' ? adviseOnSilence(outcome.cause, server) : adviseOnError(outcome.cause, server);
}

function adviseOnAnswer(
  { status, headers, text }: { status: number; headers: Readonly<Record<string, string>>; text: string },
  { baseUrl, apiKey }: ServerSettings,
): Advice | undefined {
  if (status === 429 || (status >= 200 && status < 300)) return undefined;
  if (status === 401 || status === 403) {
    const advice = apiKey
      ? `${baseUrl} does not accept the API key (HTTP ${status}): set ${KEY} to the key of that server`
      : `${baseUrl} asks for an API key (HTTP ${status}): set ${KEY}`;
    return { fault: 'key', text: advice };
  }
  if (status === 404 || status === 405) {
    return { fault: 'address', text: `${baseUrl} has no logs API (HTTP ${status}): ${askAddress(baseUrl)}` };
  }
  if (status >= 300 && status < 400) {
    const target = originOf(headers['location'], baseUrl);
    const advice = `${baseUrl} redirects${target} (HTTP ${status}), which is not followed: set ${ADDRESS} to the final address`;
    return { fault: 'address', text: advice };
  }
  const said = detailOf(text);
  const remedy = status >= 500 ? ': see what the server itself prints' : '';
  return { fault: 'answer', text: `${baseUrl} answers HTTP ${status}${said && ` (${said})`}${remedy}` };
}

/** What answers a request as if all were well, and not as a log server does: the page of a proxy, a login, another API. */
export function adviseOnStranger(status: number, { baseUrl }: ServerSettings): Advice {
  return {
    fault: 'address',
    text: `${baseUrl} answers HTTP ${status}, but not as a v4 log server: ${askAddress(baseUrl)}`,
  };
}

function askAddress(baseUrl: string): string {
  return baseUrl.endsWith('/v4')
    ? 'is it the address of a v4 log server?'
    : `does the address end in /v4? Set ${ADDRESS}`;
}

/** Returns what the server says of its fault as a part of one line, without anything that a terminal would obey. */
function detailOf(text: string): string {
  const detail = (parseJson(text) as { detail?: unknown } | undefined)?.detail;
  if (typeof detail !== 'string') return '';
  const line = detail.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.slice(0, MAX_DETAIL).toWellFormed();
}

/** The server is there, but says nothing. */
function adviseOnSilence(error: Error, { baseUrl }: ServerSettings): Advice {
  const scheme = baseUrl.startsWith('http:') ? 'https' : 'http';
  const what = `is it a v4 log server, and should its address begin with ${scheme}://?`;
  return { fault: 'answer', text: `${baseUrl} accepts connections, but does not answer (${reasonOf(error)}): ${what}` };
}

function adviseOnError(error: Error, { baseUrl }: ServerSettings): Advice {
  if (error instanceof ServiceClosedError) return { fault: 'closed', text: error.message };
  const code = codeOf(error);
  const { hostname, port } = new URL(baseUrl);
  if (code === 'ECONNREFUSED') {
    const start = `npx humanloop-otel serve${port && port !== DEFAULT_PORT ? ` --port ${port}` : ''}`;
    const what = isLoopback(baseUrl)
      ? `start the server: ${start}`
      : `does the server run there, and is its port right? See ${ADDRESS}${onProxy(baseUrl)}`;
    return { fault: 'refused', text: `${baseUrl} refuses connections (${code}): ${what}` };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      fault: 'unreachable',
      text: `the host ${hostname} is not found (${code}): see ${ADDRESS}${onProxy(baseUrl)}`,
    };
  }
  if (isTlsFault(code)) return { fault: 'tls', text: explainTls(code, baseUrl) };
  return {
    fault: 'unreachable',
    text: `${baseUrl} cannot be reached (${reasonOf(error)}): see ${ADDRESS}, and firewalls on the way${onProxy(baseUrl)}`,
  };
}

/** Returns what is to be known of a proxy. Where the network has one, nothing else reaches other hosts. */
function onProxy(baseUrl: string): string {
  const name = nameOfProxy();
  if (name === undefined || isLoopback(baseUrl)) return '';
  return isProxied(baseUrl)
    ? `; the request goes through the proxy of ${name}`
    : `; ${name} is set, but not used without NODE_USE_ENV_PROXY=1`;
}

function reasonOf(error: Error): string {
  return codeOf(error) ?? error.message.split('\n', 1)[0] ?? '';
}

/** Attempts at several addresses of a host fail together, with one error each. */
function codeOf(error: Error & { code?: unknown; errors?: unknown; cause?: unknown }): string | undefined {
  if (typeof error.code === 'string') return error.code;
  const inner = [error.errors, error.cause].flat().find((one) => one instanceof Error);
  return inner && codeOf(inner);
}

function isTlsFault(code: string | undefined): code is string {
  return code !== undefined && /CERT|^UNABLE_TO_|^ERR_(TLS|SSL)_|^EPROTO$|^HOSTNAME_MISMATCH$/.test(code);
}

function explainTls(code: string, baseUrl: string): string {
  if (code === 'EPROTO' || code.includes('WRONG_VERSION') || code.includes('PACKET_LENGTH')) {
    return `${baseUrl} does not speak TLS (${code}): does its address begin with http://?`;
  }
  const isUnknown = /SELF_SIGNED|^UNABLE_TO_/.test(code);
  const what = isUnknown ? ': set NODE_EXTRA_CA_CERTS to the file of the authority that signed it' : '';
  return `the certificate of ${baseUrl} is not accepted (${code})${what}`;
}

/** Returns ` to https://host`, without the path and credentials of a location. */
function originOf(location: string | undefined, baseUrl: string): string {
  if (!location || !URL.canParse(location, baseUrl)) return '';
  return ` to ${new URL(location, baseUrl).origin}`;
}
