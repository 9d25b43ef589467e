/**
 * Counts delivered and dropped logs as OpenTelemetry metrics, for apps that have a meter provider. The provider is
 * looked up for each report: the metrics API has no proxy for a provider that is registered later.
 */
import { type Attributes, metrics } from '@opentelemetry/api';
import { guard } from '../host/guard.ts';

const METER = 'humanloop-otel';

export function countDelivered(count: number): void {
  add('humanloop.exporter.logs.delivered', 'Logs that the server has acknowledged.', count);
}

export function countDropped(count: number, reason: string): void {
  add('humanloop.exporter.logs.dropped', 'Logs and updates that were given up, by reason.', count, { reason });
}

/** The app's provider may fail. */
function add(name: string, description: string, count: number, attributes: Attributes = {}): void {
  guard(() => metrics.getMeter(METER).createCounter(name, { unit: '{log}', description }).add(count, attributes));
}
