/** Requests by what they asked for, and how long they took. */
import type { Answered } from '../http/listener.ts';
import type { Registry } from './registry.ts';

/** Seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']);

export function addHttpMetrics(registry: Registry): { onAnswered(request: Answered): void } {
  const durations = registry.histogram(
    'humanloop_http_request_duration_seconds',
    'Requests by route and status, and how long it took until they were answered.',
    BOUNDS,
  );
  /** By method, route and status. */
  const known = new Map<string, (seconds: number) => void>();
  return {
    onAnswered: ({ method = '', route = 'none', status, millis }) => {
      const kind = METHODS.has(method) ? method : 'other';
      const name = `${kind} ${route} ${status}`;
      const observe = known.get(name) ?? durations.series({ method: kind, route, status: String(status) });
      known.set(name, observe);
      observe(millis / 1000);
    },
  };
}
