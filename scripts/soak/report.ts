/** Says what a soak has found: each figure with its bound, and every fault. */
import { table } from '../markdown-table.ts';
import { MAX_MILLIS } from './client.ts';
import type { SoakReport } from './run-soak.ts';

/** By so much, memory after a collection may be larger in the second half of the time after the last start. */
const MAX_GROWTH = 0.25;
/**
 * In a shorter time, growth says nothing of RSS: what the allocator has had for the largest bodies at once it keeps, which
 * may come early or late. Such a soak has a bound instead, and what is remembered in the heap may fill meanwhile.
 */
const SHORT_SECONDS = 10 * 60;
const REMEMBERED_BYTES = 8 * 1024 * 1024;
/** Any soak: twice what the server's heap may have. */
const MAX_RSS_BYTES = 1024 * 1024 * 1024;
/** In each half: fewer say nothing. */
const MIN_MEASUREMENTS = 8;
const MEBIBYTE = 1024 * 1024;

export interface Judgement {
  readonly text: string;
  /** What was lost, doubled, kept, or answered as it should not be. */
  readonly faults: readonly string[];
  /** Figures beyond their bounds, without what the machine had its part in. */
  readonly misses: readonly string[];
}

/** `maxMillis`: what an ordinary request may take, without what the machine had its part in. */
export function judge(report: SoakReport, maxMillis = MAX_MILLIS): Judgement {
  const { faults, machine } = report;
  const misses: string[] = [];
  const rows: string[][] = [];
  for (const [kind, all] of [...report.record.millis].sort()) {
    const millis = all.toSorted((a, b) => a - b);
    const at = (share: number) => millis[Math.min(millis.length - 1, Math.floor(share * millis.length))]!;
    rows.push([kind, String(millis.length), ...[at(0.5), at(0.95), at(0.99), at(1)].map((value) => value.toFixed(0))]);
  }
  let tooSlow = 0;
  for (const { kind, millis, machineMillis } of report.slow) {
    if (millis - machineMillis <= maxMillis) continue;
    tooSlow += 1;
    misses.push(
      `${kind}: ${millis.toFixed(0)} ms, in ${machineMillis.toFixed(0)} ms of which the machine was in the way`,
    );
  }
  const growth = [grow(report, 'rssBytes', 'RSS', misses), grow(report, 'heapBytes', 'heap', misses)];
  const mostRss = Math.max(0, ...report.memory.map(({ rssBytes }) => rssBytes));
  if (mostRss > MAX_RSS_BYTES) misses.push(`RSS after a collection is ${mebibytes(mostRss)} MiB`);
  const block = Math.max(0, ...report.memory.map(({ longestBlockMillis }) => longestBlockMillis));
  const { stored, deleted, unsure, found } = report.checked.logs;
  const text = [
    table(['requests', 'count', 'p50 ms', 'p95 ms', 'p99 ms', 'longest ms'], rows),
    `logs: ${stored} acknowledged and there, ${deleted} deleted, ${unsure} unsure; ${found} found`,
    `answers: ${report.record.lost} lost, ${report.record.refused} × 503 with Retry-After`,
    `starts after a kill: ${report.restartMillis.map((millis) => `${millis.toFixed(0)} ms`).join(', ')}`,
    ...growth,
    `the most RSS after a collection: ${mebibytes(mostRss)} MiB`,
    `longest block of the event loop since the last start: ${block.toFixed(0)} ms`,
    `longest delays of a process that does nothing: ${machine.timerMillis} ms, at the disk ${machine.diskMillis} ms`,
    `requests longer than ${MAX_MILLIS} ms: ${report.slow.length}; without the machine's part, ${tooSlow} longer than ${maxMillis} ms`,
    `file: ${Math.round(report.fileBytes / MEBIBYTE)} MiB`,
    ...(misses.length === 0 ? [] : [`${misses.length} figures beyond their bounds:`, ...misses]),
    faults.length === 0 ? 'no faults' : `${faults.length} faults:\n${summarize(faults).join('\n')}`,
  ].join('\n');
  return { text, faults, misses };
}

function grow({ memory }: SoakReport, figure: 'rssBytes' | 'heapBytes', name: string, misses: string[]): string {
  // The first part of the time, the caches of a new process fill.
  const measured = memory.slice(Math.floor(memory.length / 5)).map((each) => each[figure]);
  const half = Math.floor(measured.length / 2);
  const isShort = (memory.at(-1)?.seconds ?? 0) < SHORT_SECONDS;
  const [first, second] = [
    betweenRequests(measured.slice(0, half), isShort),
    betweenRequests(measured.slice(half), isShort),
  ];
  const growth = second / first - 1;
  const text = `${name} after a collection: ${mebibytes(first)} MiB, then ${mebibytes(second)} MiB (${(growth * 100).toFixed(0)} %)`;
  const isJudged = half >= MIN_MEASUREMENTS && !(isShort && figure === 'rssBytes');
  const remembered = isShort ? REMEMBERED_BYTES : 0;
  if (isJudged && second - remembered > first * (1 + MAX_GROWTH)) misses.push(`memory is not flat: ${text}`);
  return text;
}

/**
 * What is there between the large requests, which come and go: a quarter of the values is below. In a short time all but
 * one of the few values may be from such requests, and the least is taken.
 */
function betweenRequests(values: readonly number[], isShort: boolean): number {
  return values.toSorted((a, b) => a - b)[isShort ? 0 : Math.floor(values.length / 4)] ?? 0;
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(0);
}

/** The same fault may be there a thousand times. */
function summarize(faults: readonly string[]): string[] {
  const most = 50;
  return faults.length <= most ? [...faults] : [...faults.slice(0, most), `and ${faults.length - most} more`];
}
