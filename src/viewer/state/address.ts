/** The address bar: which page is shown, and how to show another without loading the document again. */
import { useLayoutEffect, useState } from 'preact/hooks';
import { serverRoot } from './server-root.ts';
import { formatLocation, parseLocation, type ViewLocation } from './view-location.ts';

const navigated = new EventTarget();

let list: ViewLocation = { page: 'sessions', filters: {} };

/** The list that was shown last, with its filters. */
export function lastList(): ViewLocation {
  return list;
}

function currentLocation(): ViewLocation {
  const { pathname, search } = location;
  const root = serverRoot();
  const path = `${pathname}/`.startsWith(`${root}/`) ? pathname.slice(root.length) : pathname;
  const current = parseLocation(path, search);
  if (current.page === 'sessions') list = current;
  return current;
}

/** Returns the address of a page, for links. */
export function addressOf(to: ViewLocation): string {
  return serverRoot() + formatLocation(to);
}

/** @param options `replace` adds no step to the browser's history: for typing and arrow keys. */
export function navigate(to: ViewLocation, { replace = false } = {}): void {
  const address = addressOf(to);
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

/** Handles a click on a link without loading the document again, unless the reader wants a new tab or window. */
export function followInPage(event: MouseEvent, to: ViewLocation): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(to);
}
