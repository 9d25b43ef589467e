/** The address bar: where the page is, and how it goes elsewhere without loading itself again. */
import { useLayoutEffect, useState } from 'preact/hooks';
import { formatLocation, parseLocation, type ViewLocation } from './view-location.ts';

const navigated = new EventTarget();

let list: ViewLocation = { page: 'sessions', filters: {} };

/** The list that the session on the page was opened from, with its filters. */
export function lastList(): ViewLocation {
  return list;
}

function currentLocation(): ViewLocation {
  const current = parseLocation(location.pathname, location.search);
  if (current.page === 'sessions') list = current;
  return current;
}

/** Set `replace` where going back should not stop at each step: typing, arrow keys. */
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

/** Handles the click on a link in the page, unless the reader wants a new tab or window. */
export function followInPage(event: MouseEvent, to: ViewLocation): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(to);
}
