/**
 * Figures of one contender, as text. A figure that compares contenders compares those of the same round and is the
 * median of that over the rounds: what disturbs one round then disturbs both sides of its ratio.
 */
import { median } from './median.ts';
import { medianOf, ofEachRound, type Round, type Rounds } from './rounds.ts';
import { micros, millis, number, ratio } from './tables.ts';
import { SPANS_PER_TRACE } from './workload.ts';

export const NONE = 'no exporter';
export const BOUND = 'hand-written, unordered';

type Read = (round: Round) => number;

/** CPU time of the process. */
export const ALL_THREADS: Read = ({ cpuMillis }) => cpuMillis;
/** CPU time of the thread that runs the app. */
export const APP_THREAD: Read = ({ appThreadMillis }) => appThreadMillis;

/** Returns the microseconds per span above those without an exporter, and their ratio to the bound's. */
export function exportCpu(results: Rounds, name: string, traces: number, read = ALL_THREADS): [string, string] {
  if (name === NONE) return ['0', '0'];
  const own = median(ofEachRound(results, [name, NONE], (one, none) => read(one) - read(none)));
  return [number((own * 1000) / (traces * SPANS_PER_TRACE), 1), ratio(median(exportRatios(results, name, read)))];
}

/** Returns the smallest and the largest ratio of all rounds: how far their median can be trusted. */
export function exportRatioRange(results: Rounds, name: string, read = ALL_THREADS): string {
  const ratios = exportRatios(results, name, read);
  return `${ratio(Math.min(...ratios))} to ${ratio(Math.max(...ratios))}`;
}

function exportRatios(results: Rounds, name: string, read: Read): number[] {
  const compute = (one: Round, bound: Round, none: Round) => (read(one) - read(none)) / (read(bound) - read(none));
  return ofEachRound(results, [name, BOUND, NONE], compute);
}

/** Returns the spans per second, and their ratio to those of another contender. */
export function speed(results: Rounds, name: string, traces: number, other = BOUND): [string, string] {
  const times = median(ofEachRound(results, [name, other], (one, two) => two.wallMillis / one.wallMillis));
  return [number(spansPerSecond(results.get(name), traces)), ratio(times)];
}

export function spansPerSecond(rounds: readonly Round[] | undefined, traces: number): number {
  return medianOf(rounds, ({ wallMillis }) => (traces * SPANS_PER_TRACE * 1000) / wallMillis);
}

/** Returns p50 / p99 / maximum of the time in `end()`, and how much its p99 is above that without an exporter. */
export function endTime(results: Rounds, name: string): [string, string] {
  const rounds = results.get(name);
  const p50 = micros(medianOf(rounds, ({ endP50Micros }) => endP50Micros));
  const p99 = micros(medianOf(rounds, ({ endP99Micros }) => endP99Micros));
  const max = number(medianOf(rounds, ({ endMaxMicros }) => endMaxMicros));
  const above = median(ofEachRound(results, [name, NONE], (one, none) => one.endP99Micros - none.endP99Micros));
  return [`${p50} / ${p99} / ${max}`, micros(above)];
}

export function loopDelay(rounds: readonly Round[] | undefined): string {
  const p99 = medianOf(rounds, ({ loopP99Millis }) => loopP99Millis);
  return `${millis(p99)} / ${millis(medianOf(rounds, ({ loopMaxMillis }) => loopMaxMillis))}`;
}

export function requestsPerThousand(rounds: readonly Round[] | undefined, traces: number): string {
  return number(
    medianOf(rounds, ({ requests, warmUpTraces }) => (requests * 1000) / ((traces + warmUpTraces) * SPANS_PER_TRACE)),
    1,
  );
}

export function memory(rounds: readonly Round[] | undefined): string {
  return number(medianOf(rounds, ({ rssMegabytes }) => rssMegabytes));
}

export function lostLogs({ expected, stored }: Round): number {
  return expected - stored;
}
