/**
 * Reports the state of one component as OpenTelemetry metrics, under the names of the semantic conventions for SDK
 * metrics, and the state of its spool. All but the durations are read when metrics are collected.
 *
 * The metrics API has no proxy for a provider that is registered later, so `attach` looks for it from time to time. Counts
 * begin with the construction of the component nevertheless.
 */
import {
  type Attributes,
  type BatchObservableCallback,
  type BatchObservableResult,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import { guard } from '../host/guard.ts';
import type { Component } from './component.ts';
import type { ExportOperation, SpanCounts, Tally } from './span-counts.ts';

const METER = 'humanloop-otel';
/**
 * Seconds. The boundaries that the conventions advise for HTTP requests, and some more, since an operation lasts until its
 * last retry.
 */
const DURATION_BOUNDARIES = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 600,
];

/** What is read when metrics are collected. */
export interface ComponentState {
  /** Spans and logs in memory, as `queueCapacity` bounds them. */
  readonly queueSize: number;
  readonly queueCapacity: number;
  /** Spans that were passed to the exporter and whose export has not ended. */
  readonly inFlight: number;
  /** Undefined without a spool, and while its disk fails. */
  readonly spool: SpoolUsage | undefined;
}

export interface StateSource {
  readState(): ComponentState;
}

export interface SpoolUsage {
  readonly rows: number;
  /** Estimated bytes of the rows. */
  readonly usedBytes: number;
  /** Bound of `usedBytes`. */
  readonly capacityBytes: number;
  /** Bytes of the files on disk. SQLite keeps the space of removed rows for later ones. */
  readonly fileBytes: number;
  /** Start of the span whose log was written first, Unix milliseconds; undefined if there are no rows. */
  readonly oldestMillis: number | undefined;
}

const GONE = { queueSize: 0, queueCapacity: 0, inFlight: 0 };
const NO_SPOOL: SpoolUsage = { rows: 0, usedBytes: 0, capacityBytes: 0, fileBytes: 0, oldestMillis: undefined };

interface Instruments {
  readonly processed: Observable;
  readonly queueSize: Observable;
  readonly queueCapacity: Observable;
  readonly inFlight: Observable;
  readonly exported: Observable;
  readonly duration: Histogram;
  readonly spool: SpoolInstruments;
}

interface SpoolInstruments {
  readonly rows: Observable;
  readonly used: Observable;
  readonly capacity: Observable;
  readonly file: Observable;
  readonly oldestAge: Observable;
}

export class SelfMetrics {
  readonly #component: Component;
  readonly #counts: SpanCounts;
  /** A meter provider must not keep a component that the app has let go without shutting it down. */
  #source: WeakRef<StateSource> | undefined;
  #hasSpool = false;
  #provider: MeterProvider | undefined;
  #duration: Histogram | undefined;
  #detach: (() => void) | undefined;

  constructor(component: Component, counts: SpanCounts, source: StateSource) {
    this.#component = component;
    this.#counts = counts;
    this.#source = new WeakRef(source);
    counts.onExported = (operation) => this.#record(operation);
    this.attach();
  }

  /** Takes the meter provider that is registered now. A call costs little if it is still the same. */
  attach(): void {
    const provider = metrics.getMeterProvider();
    if (provider === this.#provider) return;
    this.#provider = provider;
    guard(() => {
      this.#detach?.();
      this.#register(provider.getMeter(METER));
    });
  }

  /**
   * Lets the component go: it has no queue and no spool any more. That is reported as zeros, since the SDK repeats the
   * last values of what is no longer reported. The counts stay: they are collected after the last flush.
   */
  close(): void {
    this.#source = undefined;
  }

  #register(meter: Meter): void {
    const instruments = createInstruments(meter);
    const { duration, spool, ...others } = instruments;
    const observables = [...Object.values(others), ...Object.values(spool)];
    const observe: BatchObservableCallback = (result) => guard(() => this.#observe(result, instruments));
    meter.addBatchObservableCallback(observe, observables);
    this.#duration = duration;
    this.#detach = () => meter.removeBatchObservableCallback(observe, observables);
  }

  #observe(result: BatchObservableResult, instruments: Instruments): void {
    const { attributes, attributesWithServer } = this.#component;
    const { isExporter, processed, exported } = this.#counts;
    const state = this.#source?.deref()?.readState() ?? { ...GONE, spool: this.#hasSpool ? NO_SPOOL : undefined };
    this.#hasSpool ||= state.spool !== undefined;
    if (!isExporter) {
      // An exporter's processor reports what it has processed itself.
      observeTally(result, instruments.processed, processed, attributes);
      result.observe(instruments.queueSize, state.queueSize, attributes);
      result.observe(instruments.queueCapacity, state.queueCapacity, attributes);
    }
    result.observe(instruments.inFlight, state.inFlight, attributesWithServer);
    observeTally(result, instruments.exported, exported, attributesWithServer);
    if (state.spool) observeSpool(result, instruments.spool, state.spool, attributes);
  }

  #record({ startedAtMillis, status, errorType }: ExportOperation): void {
    this.attach();
    const seconds = (performance.now() - startedAtMillis) / 1000;
    const attributes = {
      ...this.#component.attributesWithServer,
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(errorType !== undefined && { 'error.type': errorType }),
    };
    guard(() => this.#duration?.record(seconds, attributes));
  }
}

function observeTally(
  result: BatchObservableResult,
  counter: Observable,
  { succeeded, failed }: Tally,
  attributes: Attributes,
): void {
  if (succeeded > 0) result.observe(counter, succeeded, attributes);
  for (const [errorType, count] of failed) result.observe(counter, count, { ...attributes, 'error.type': errorType });
}

function observeSpool(
  result: BatchObservableResult,
  spool: SpoolInstruments,
  { rows, usedBytes, capacityBytes, fileBytes, oldestMillis }: SpoolUsage,
  attributes: Attributes,
): void {
  result.observe(spool.rows, rows, attributes);
  result.observe(spool.used, usedBytes, attributes);
  result.observe(spool.capacity, capacityBytes, attributes);
  result.observe(spool.file, fileBytes, attributes);
  // Clocks may jump.
  const ageMillis = oldestMillis === undefined ? 0 : Math.max(0, Date.now() - oldestMillis);
  result.observe(spool.oldestAge, ageMillis / 1000, attributes);
}

function createInstruments(meter: Meter): Instruments {
  return {
    processed: meter.createObservableCounter('otel.sdk.processor.span.processed', {
      unit: '{span}',
      description: 'The number of spans for which the processing has finished, either successful or failed.',
    }),
    queueSize: meter.createObservableUpDownCounter('otel.sdk.processor.span.queue.size', {
      unit: '{span}',
      description: 'The number of spans in the queue of a given instance of an SDK span processor.',
    }),
    queueCapacity: meter.createObservableUpDownCounter('otel.sdk.processor.span.queue.capacity', {
      unit: '{span}',
      description: 'The maximum number of spans the queue of a given instance of an SDK span processor can hold.',
    }),
    inFlight: meter.createObservableUpDownCounter('otel.sdk.exporter.span.inflight', {
      unit: '{span}',
      description:
        'The number of spans which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).',
    }),
    exported: meter.createObservableCounter('otel.sdk.exporter.span.exported', {
      unit: '{span}',
      description: 'The number of spans for which the export has finished, either successful or failed.',
    }),
    duration: meter.createHistogram('otel.sdk.exporter.operation.duration', {
      unit: 's',
      description: 'The duration of exporting a batch of telemetry records.',
      advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
    }),
    spool: {
      rows: meter.createObservableGauge('humanloop.spool.rows', {
        unit: '{row}',
        description: 'Logs and drafts of logs in the spool file.',
      }),
      used: meter.createObservableGauge('humanloop.spool.used', {
        unit: 'By',
        description: 'Estimated size of the rows in the spool file.',
      }),
      capacity: meter.createObservableGauge('humanloop.spool.capacity', {
        unit: 'By',
        description: 'Size of the rows from which on the oldest traces are dropped.',
      }),
      file: meter.createObservableGauge('humanloop.spool.file.size', {
        unit: 'By',
        description: 'Size of the spool file and its SQLite companions on disk.',
      }),
      oldestAge: meter.createObservableGauge('humanloop.spool.oldest.age', {
        unit: 's',
        description: 'Time since the span of the oldest row started.',
      }),
    },
  };
}
