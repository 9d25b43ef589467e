/** The browser's side of things: the address, the network, the stream of changes, the theme. */
import { useLayoutEffect, useState } from 'preact/hooks';
import type { SessionChange } from '../../server/store/viewer-store.ts';
import { formatLocation, parseLocation, type ViewLocation } from './view-location.ts';

const navigated = new EventTarget();

/** The list that a session was opened from, with its filters. */
let list: ViewLocation = { page: 'sessions', filters: {} };

export function lastList(): ViewLocation {
  return list;
}

function currentLocation(): ViewLocation {
  const current = parseLocation(location.pathname, location.search);
  if (current.page === 'sessions') list = current;
  return current;
}

/** `replace` where going back should not stop at each step: typing, arrow keys. */
export function navigate(to: ViewLocation, { replace = false } = {}): void {
  const address = formatLocation(to);
  if (address !== location.pathname + location.search) {
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
  }
  navigated.dispatchEvent(new Event('change'));
}

export function useViewLocation(): ViewLocation {
  const [state, setState] = useState(currentLocation);
  useLayoutEffect(() => {
    const update = () => setState(currentLocation());
    window.addEventListener('popstate', update);
    navigated.addEventListener('change', update);
    return () => {
      window.removeEventListener('popstate', update);
      navigated.removeEventListener('change', update);
    };
  }, []);
  return state;
}

/** What the page answers a click with: unless the reader wants a new tab or window. */
export function followInPage(event: MouseEvent, to: ViewLocation): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(to);
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const access = new EventTarget();

/** Calls back when the server asks for its API key. */
export function onKeyWanted(listener: () => void): () => void {
  access.addEventListener('wanted', listener);
  return () => access.removeEventListener('wanted', listener);
}

export async function request<Body>(path: string, init: RequestInit = {}): Promise<Body> {
  const response = await fetch(path, { credentials: 'same-origin', ...init });
  if (response.status === 401) access.dispatchEvent(new Event('wanted'));
  const text = await response.text();
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as Body;
  throw new RequestError(response.status, detailOf(text) ?? `${response.status} ${response.statusText}`);
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

/** Returns how to stop. */
export type Subscribe = (listener: (change: SessionChange) => void) => () => void;

/**
 * Calls back on every change, and when the stream opens, as the server begins it with a change of no names: what came
 * before it may have been missed. A hidden tab listens to nothing: a browser opens only six connections to one server,
 * for all of its tabs.
 */
export function followChanges(
  onChange: (change: SessionChange) => void,
  onState: (isLive: boolean) => void,
): () => void {
  let source: EventSource | undefined;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource('/viewer/api/events');
    source.onopen = () => onState(true);
    source.onmessage = ({ data }) => onChange(JSON.parse(data));
    source.onerror = () => {
      onState(false);
      if (source?.readyState !== EventSource.CLOSED) return;
      // An answer other than 200 ends it for good: the server may be starting again, or want its key.
      close();
      timer = setTimeout(open, 2_000);
    };
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const onVisibility = () => (document.hidden ? close() : open());
  document.addEventListener('visibilitychange', onVisibility);
  open();
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    close();
  };
}

export type Theme = 'system' | 'light' | 'dark';
const THEME_KEY = 'humanloop-otel theme';

export function readTheme(): Theme {
  try {
    const stored = localStorage.getItem(THEME_KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}
