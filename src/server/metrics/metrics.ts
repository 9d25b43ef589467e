/** What one server counts of itself, put together. */
import type { Answered } from '../http/listener.ts';
import type { Routes } from '../http/route.ts';
import type { TakenItems } from '../otlp/routes.ts';
import type { Store } from '../store/store.ts';
import { addHttpMetrics } from './http-metrics.ts';
import { addOtlpMetrics } from './otlp-metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { Registry } from './registry.ts';
import { createMetricsRoutes } from './routes.ts';
import { addStoreMetrics } from './store-metrics.ts';

export interface ServerMetrics {
  /** Returns the store, of which everything is counted. */
  counting(store: Store): Store;
  readonly onAnswered: (request: Answered) => void;
  readonly onTaken: (items: TakenItems) => void;
  routesOf(store: Store): Routes;
  close(): void;
}

export function createMetrics(): ServerMetrics {
  const registry = new Registry();
  const { onAnswered } = addHttpMetrics(registry);
  const { onTaken } = addOtlpMetrics(registry);
  const { close } = addProcessMetrics(registry);
  return {
    counting: (store) => addStoreMetrics(registry, store),
    onAnswered,
    onTaken,
    routesOf: (store) => createMetricsRoutes(registry, store),
    close,
  };
}
