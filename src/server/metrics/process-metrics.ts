/** What the process uses, under the names that clients of Prometheus have for it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Registry } from './registry.ts';

const RESOLUTION_MILLIS = 10;
const QUANTILES = [50, 90, 99] as const;

/** Delays of the event loop are those since the last text was written. */
export function addProcessMetrics(registry: Registry): { close(): void } {
  const startedSeconds = Date.now() / 1000 - process.uptime();
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS });
  delays.enable();
  registry.measured('counter', 'process_cpu_seconds_total', 'User and system CPU time, in seconds.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.measured(
    'gauge',
    'process_start_time_seconds',
    'Start of the process, in seconds since 1970.',
    () => startedSeconds,
  );
  registry.measured('gauge', 'process_resident_memory_bytes', 'Resident memory, in bytes.', () =>
    process.memoryUsage.rss(),
  );
  registry.measured(
    'gauge',
    'nodejs_heap_size_used_bytes',
    'Heap of JavaScript in use, in bytes.',
    () => process.memoryUsage().heapUsed,
  );
  registry.measured(
    'gauge',
    'nodejs_heap_size_total_bytes',
    'Heap of JavaScript, in bytes.',
    () => process.memoryUsage().heapTotal,
  );
  registry.measured(
    'gauge',
    'nodejs_external_memory_bytes',
    'Memory outside of the heap that JavaScript uses, in bytes.',
    () => process.memoryUsage().external,
  );
  registry.measured(
    'gauge',
    'nodejs_eventloop_lag_mean_seconds',
    'Mean delay of the event loop since the last scrape.',
    () => inSeconds(delays.mean),
  );
  for (const quantile of QUANTILES) {
    registry.measured(
      'gauge',
      `nodejs_eventloop_lag_p${quantile}_seconds`,
      `Delay of the event loop since the last scrape: ${quantile} % are not longer.`,
      () => inSeconds(delays.percentile(quantile)),
    );
  }
  registry.measured(
    'gauge',
    'nodejs_eventloop_lag_max_seconds',
    'Longest delay of the event loop since the last scrape.',
    () => {
      const longest = inSeconds(delays.max);
      // The last one that is read.
      delays.reset();
      return longest;
    },
  );
  return { close: () => void delays.disable() };
}

/** Without what the measuring waits for. Nothing was measured yet where there is no number, or an absurd one. */
function inSeconds(nanos: number): number {
  const seconds = nanos / 1e9 - RESOLUTION_MILLIS / 1e3;
  return Number.isFinite(seconds) && seconds < 86_400 ? Math.max(0, seconds) : 0;
}
