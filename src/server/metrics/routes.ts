/** `GET /metrics`, for Prometheus and what reads its text format. */
import { bytes } from '../http/answer.ts';
import type { Routes } from '../http/route.ts';
import type { Store } from '../store/store.ts';
import { type Registry, writeFamily } from './registry.ts';

const TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function createMetricsRoutes(registry: Registry, store: Store): Routes {
  return {
    '/metrics': {
      GET: {
        // Names of routes and counts say what goes on here: not for everyone who can reach the port.
        needs: 'read',
        run: async () => bytes(200, TYPE, Buffer.from(registry.write() + (await writeStore(store)))),
      },
    },
  };
}

/** Answers also where the store does not. */
async function writeStore(store: Store): Promise<string> {
  // First, so that what follows is not measured.
  const measures = await store.measures();
  const [readiness, health, lag] = await Promise.all([
    store.readiness(),
    store.health(),
    store.viewer.indexLag().catch(() => undefined),
  ]);
  const gauge = (name: string, help: string, value: number) => writeFamily({ name, help, type: 'gauge' }, [{ value }]);
  return [
    gauge(
      'humanloop_store_ready',
      'Whether the store can read and write now, as /readyz says.',
      Number(readiness.status === 'ok'),
    ),
    gauge('humanloop_store_full', 'Whether the disk of the store is full.', Number(health.status === 'full')),
    ...(lag ? [gauge('humanloop_index_lag_logs', 'Logs that a search does not find yet.', lag.logs)] : []),
    ...measures.map(({ samples, ...family }) => writeFamily(family, samples)),
  ].join('');
}
