/** What came by OTLP, and what of it could not be taken. */
import type { TakenItems } from '../otlp/routes.ts';
import type { Registry } from './registry.ts';

export function addOtlpMetrics(registry: Registry): { onTaken(items: TakenItems): void } {
  const items = registry.counter(
    'humanloop_otlp_items_total',
    'Spans, log records and points of metrics in requests that were answered with success.',
    [
      ...['traces', 'logs', 'metrics'].flatMap((signal) =>
        ['accepted', 'rejected'].map((result) => ({ signal, result })),
      ),
      { signal: 'logs', result: 'unused' },
    ],
  );
  return {
    onTaken: ({ signal, accepted, rejected, unused }) => {
      items.add({ signal, result: 'accepted' }, accepted);
      items.add({ signal, result: 'rejected' }, rejected);
      if (signal === 'logs') items.add({ signal, result: 'unused' }, unused);
    },
  };
}
