/** The browser as the source of the live list and session. */
import { request } from './api.ts';
import type { LiveSource, Subscribe } from './live-source.ts';

export function fromBrowser(subscribe: Subscribe): LiveSource {
  return {
    request,
    subscribe,
    clock: {
      now: Date.now,
      after: (millis, callback) => {
        const timer = setTimeout(callback, millis);
        return () => clearTimeout(timer);
      },
    },
  };
}
