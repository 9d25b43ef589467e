/** A real meter provider, whose metrics a test collects when it wants. */
import { type Attributes, metrics } from '@opentelemetry/api';
import { metrics as sdk } from '@opentelemetry/sdk-node';
import { onTestFinished } from 'vitest';

export interface CollectedMetric {
  readonly unit: string;
  /** `counter`, `up-down counter`, `gauge` or `histogram`. */
  readonly kind: string;
  /** For a histogram, the value is the number of measurements. */
  readonly points: readonly { readonly attributes: Attributes; readonly value: number }[];
}

class Reader extends sdk.MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** Registers the provider until the test ends. Returns a function that collects all metrics, by name. */
export function registerMeterProvider(): () => Promise<Record<string, CollectedMetric>> {
  const reader = new Reader();
  metrics.setGlobalMeterProvider(new sdk.MeterProvider({ readers: [reader] }));
  onTestFinished(() => metrics.disable());
  return async () => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw errors[0];
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics: ofScope }) => ofScope);
    return Object.fromEntries(all.map((metric) => [metric.descriptor.name, read(metric)]));
  };
}

function read(metric: sdk.MetricData): CollectedMetric {
  const { descriptor, dataPoints } = metric;
  const points = dataPoints.map(({ attributes, value }) => ({
    attributes,
    value: typeof value === 'number' ? value : (value.count as number),
  }));
  return { unit: descriptor.unit, kind: kindOf(metric), points };
}

function kindOf(metric: sdk.MetricData): string {
  if (metric.dataPointType === sdk.DataPointType.SUM) return metric.isMonotonic ? 'counter' : 'up-down counter';
  return metric.dataPointType === sdk.DataPointType.GAUGE ? 'gauge' : 'histogram';
}
