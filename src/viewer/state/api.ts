/** Requests to the server that the page came from. */

import { serverRoot } from './server-root.ts';

/** The server has answered with an error. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const access = new EventTarget();
let isKeyWanted = false;
let logins = 0;

/** Calls back whenever the server asks for its API key, and at once if it has already. Returns how to stop. */
export function onKeyWanted(listener: () => void): () => void {
  access.addEventListener('wanted', listener);
  if (isKeyWanted) listener();
  return () => access.removeEventListener('wanted', listener);
}

/**
 * @param path from the server's root.
 * @throws {RequestError} (as a rejection) if the server answers with an error. Without an answer, `fetch` throws.
 */
export async function request<Body>(path: string, init: RequestInit = {}): Promise<Body> {
  const loginsBefore = logins;
  const response = await fetch(serverRoot() + path, { credentials: 'same-origin', ...init });
  if (response.status === 401) {
    // Refused before the reader gave the key, which the browser sends from now on.
    if (logins !== loginsBefore) return request(path, init);
    isKeyWanted = true;
    access.dispatchEvent(new Event('wanted'));
  }
  const text = await response.text();
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as Body;
  throw new RequestError(response.status, detailOf(text) ?? `${response.status} ${response.statusText}`);
}

/** Gives the server its API key. The browser keeps the cookie of the answer, and sends it with each request. */
export async function logIn(apiKey: string): Promise<void> {
  await post('/viewer/api/login', { api_key: apiKey });
  isKeyWanted = false;
  logins += 1;
}

export function post<Body>(path: string, body: unknown): Promise<Body> {
  const headers = { 'content-type': 'application/json' };
  return request(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

function detailOf(text: string): string | undefined {
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === 'string' ? detail : detail.map(({ msg }: { msg: string }) => msg).join('; ');
  } catch {
    return undefined;
  }
}
