/**
 * Counts delivered and dropped logs as OpenTelemetry metrics, for apps that have a meter provider. The provider is
 * looked up for each report: the metrics API has no proxy for a provider that is registered later.
 */
import { metrics } from '@opentelemetry/api';

const METER = 'humanloop-otel';

export function countDelivered(count: number): void {
  metrics
    .getMeter(METER)
    .createCounter('humanloop.exporter.logs.delivered', {
      unit: '{log}',
      description: 'Logs that the server has acknowledged.',
    })
    .add(count);
}

export function countDropped(count: number, reason: string): void {
  metrics
    .getMeter(METER)
    .createCounter('humanloop.exporter.logs.dropped', {
      unit: '{log}',
      description: 'Logs and updates that were given up, by reason.',
    })
    .add(count, { reason });
}
