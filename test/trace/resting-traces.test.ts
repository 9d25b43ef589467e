/** What is remembered of traces at rest, for how long, and at what cost. */
import { describe, expect, test } from 'vitest';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import { RestingTraces } from '../../src/trace/resting-traces.ts';
import type { SpanNode, Trace } from '../../src/trace/span-node.ts';
import { TraceShelf } from '../../src/trace/trace-shelf.ts';
import { createLedger, offeredLog, sendReady, updatedLog } from '../delivery/offered-logs.ts';
import { makeTrace } from './make-trace.ts';

const LOG = { parent: -1, fate: 'delivered' } as const;
const LINK = { parent: -1, fate: 'none' } as const;

/** With two spans, of which the second is a log. */
function logTrace(traceId: string): Trace {
  return makeTrace(traceId, [LINK, { ...LOG, parent: 0 }]);
}

/** The same, with what an evaluation finds the log by. */
function calledTrace(traceId: string): Trace {
  const trace = logTrace(traceId);
  Object.assign(nodeOf(trace), { kind: 'model', callId: 'call' });
  return trace;
}

/** With two spans that are no logs. */
function linkTrace(traceId: string): Trace {
  const trace = makeTrace(traceId, [LINK, { ...LINK, parent: 0 }]);
  trace.context = undefined;
  return trace;
}

function nodeOf(trace: Trace | undefined): SpanNode {
  return trace?.nodes.get('span-1') as SpanNode;
}

function logOf(trace: Trace | undefined): LogEntry {
  return nodeOf(trace).entry as LogEntry;
}

function fill(shelf: { put(trace: Trace): void }, count: number, name: string, make = logTrace): void {
  for (let index = 0; index < count; index++) shelf.put(make(`${name} ${index}`));
}

describe('a shelf', () => {
  test('forgets what has rested longest, and only as much as it has to', () => {
    const shelf = new TraceShelf({ maxSpans: 20, maxDetailedSpans: 6 });
    fill(shelf, 10, 'trace');
    expect(shelf.hasForgotten).toBe(false);
    expect(shelf.get('trace 0')).toBeDefined();
    shelf.put(logTrace('one more'));
    expect(shelf.hasForgotten).toBe(true);
    expect(shelf.get('trace 0')).toBeUndefined();
    for (let index = 1; index < 10; index++) expect(shelf.get(`trace ${index}`)).toBeDefined();
  });

  test('counts from the last time that a trace came to rest', () => {
    const shelf = new TraceShelf({ maxSpans: 20, maxDetailedSpans: 6 });
    fill(shelf, 10, 'trace');
    shelf.put(shelf.wake('trace 0') as Trace);
    shelf.put(logTrace('one more'));
    expect(shelf.get('trace 0')).toBeDefined();
    expect(shelf.get('trace 1')).toBeUndefined();
  });

  test('keeps one trace, however large it is', () => {
    const shelf = new TraceShelf({ maxSpans: 3, maxDetailedSpans: 3 });
    shelf.put(makeTrace('large', [LOG, LOG, LOG, LOG, LOG]));
    expect(shelf.get('large')?.nodes.size).toBe(5);
  });

  test('gives a trace away when it wakes, with all that it knew', () => {
    const shelf = new TraceShelf({ maxSpans: 20, maxDetailedSpans: 2 });
    fill(shelf, 3, 'trace');
    expect(shelf.wake('trace 0')?.nodes.get('span-1')?.parent?.spanId).toBe('span-0');
    expect(shelf.get('trace 0')).toBeUndefined();
    expect(shelf.wake('trace 0')).toBeUndefined();
  });

  test('keeps all of the newest traces, and of the others what a late span needs', () => {
    const shelf = new TraceShelf({ maxSpans: 100, maxDetailedSpans: 6 });
    for (let index = 0; index < 5; index++) shelf.put(calledTrace(`trace ${index}`));
    const callIdOf = (index: number) => nodeOf(shelf.get(`trace ${index}`)).callId;
    expect([4, 3, 2, 1, 0].map(callIdOf)).toEqual(['call', 'call', 'call', undefined, undefined]);
  });

  test('files a trace as soon as its logs are done, and keeps nothing else of it in memory', () => {
    const shelf = new TraceShelf({ maxSpans: 100, maxDetailedSpans: 50 });
    const { ledger } = createLedger();
    const trace = calledTrace('trace');
    trace.logs[0] = nodeOf(trace).entry = offeredLog(ledger, logOf(trace).referenceId);
    shelf.put(trace);
    fill(shelf, 3, 'before');
    expect(shelf.get('trace')).toBe(trace);
    for (const entry of sendReady(ledger)) ledger.stored(entry, entry.desired);
    fill(shelf, 3, 'after');
    expect(trace.nodes.size).toBe(0);
    expect(trace.logs).toHaveLength(0);
    expect(nodeOf(shelf.get('trace'))).toMatchObject({ callId: 'call', kind: 'model', entry: { state: 'delivered' } });
  });

  test('a trace whose log is stuck keeps others from being filed only for a while', () => {
    const shelf = new TraceShelf({ maxSpans: 10_000, maxDetailedSpans: 5_000 });
    const stuck = logTrace('stuck');
    stuck.logs[0] = nodeOf(stuck).entry = offeredLog(createLedger().ledger, logOf(stuck).referenceId);
    shelf.put(stuck);
    const next = logTrace('next');
    shelf.put(next);
    fill(shelf, 300, 'other');
    expect(shelf.get('stuck')).toBe(stuck);
    expect(next.nodes.size).toBe(0);
  });

  test('keeps a trace whole as long as all is kept, if filing would forget something of it', () => {
    const shelf = new TraceShelf({ maxSpans: 100, maxDetailedSpans: 10 });
    const trace = calledTrace('trace');
    nodeOf(trace).judged = new Set(['{}']);
    shelf.put(trace);
    fill(shelf, 4, 'other');
    expect(shelf.get('trace')).toBe(trace);
    fill(shelf, 1, 'one more');
    expect(shelf.get('trace')).not.toBe(trace);
  });

  test('does not file a trace again and again that wakes again and again', () => {
    const shelf = new TraceShelf({ maxSpans: 100, maxDetailedSpans: 50 });
    shelf.put(calledTrace('trace'));
    fill(shelf, 1, 'first');
    const trace = shelf.wake('trace') as Trace;
    shelf.put(trace);
    fill(shelf, 5, 'others');
    expect(shelf.get('trace')).toBe(trace);
  });

  test('lets a trace that was read be filed again: reading does not change how much is held', () => {
    const shelf = new TraceShelf({ maxSpans: 100, maxDetailedSpans: 6 });
    fill(shelf, 10, 'trace');
    const first = shelf.get('trace 0');
    expect(shelf.get('trace 0')).toBe(first);
    const { referenceId } = logOf(first);
    for (let index = 1; index < 6; index++) shelf.get(`trace ${index}`);
    const again = shelf.get('trace 0');
    expect(again).not.toBe(first);
    expect(logOf(again)).toMatchObject({ referenceId, state: 'delivered' });
  });

  test('keeps a trace as it is while an update of one of its logs is under way, and files it afterwards', () => {
    const shelf = new TraceShelf({ maxSpans: 1_000, maxDetailedSpans: 6 });
    fill(shelf, 10, 'trace');
    const first = shelf.get('trace 0');
    const node = nodeOf(first);
    const done = node.entry;
    node.entry = updatedLog();
    fill(shelf, 20, 'other');
    expect(shelf.get('trace 0')).toBe(first);
    node.entry = done;
    fill(shelf, 20, 'another');
    expect(shelf.get('trace 0')).not.toBe(first);
  });

  test('files what could not be filed in an outage, when it is over', () => {
    const shelf = new TraceShelf({ maxSpans: 10_000, maxDetailedSpans: 6 });
    const traces = Array.from({ length: 50 }, (_, index) => logTrace(`trace ${index}`));
    const { ledger } = createLedger();
    for (const trace of traces) nodeOf(trace).entry = offeredLog(ledger, logOf(trace).referenceId);
    for (const trace of traces) shelf.put(trace);
    for (const trace of traces) expect(shelf.get(trace.traceId)).toBe(trace);
    for (const entry of sendReady(ledger)) ledger.stored(entry, entry.desired);
    fill(shelf, 60, 'other');
    for (const trace of traces) expect(shelf.get(trace.traceId)).not.toBe(trace);
  });

  test('holds the same when a trace wakes again and again', () => {
    const shelf = new TraceShelf({ maxSpans: 20, maxDetailedSpans: 6 });
    fill(shelf, 8, 'trace');
    shelf.put(calledTrace('newest'));
    let trace = logTrace('restless');
    for (let times = 0; times < 10_000; times++) {
      shelf.put(trace);
      trace = shelf.wake('restless') as Trace;
    }
    shelf.put(trace);
    expect(shelf.hasForgotten).toBe(false);
    expect(nodeOf(shelf.get('newest')).callId).toBe('call');
    for (let index = 0; index < 8; index++) expect(shelf.get(`trace ${index}`)).toBeDefined();
    shelf.put(logTrace('one more'));
    expect(shelf.get('trace 0')).toBeUndefined();
    expect(shelf.get('trace 1')).toBeDefined();
    expect(shelf.get('restless')).toBeDefined();
  });
});

describe('of traces without logs', () => {
  test('a processor remembers those that say something of the session, and nothing of the others', () => {
    const resting = new RestingTraces({ keepsTracesWithoutLogs: false });
    const saysSession = linkTrace('says');
    saysSession.noted = { session: 's', user: undefined, tags: undefined };
    resting.put(saysSession);
    resting.put(linkTrace('says nothing'));
    expect(resting.get('says')).toBe(saysSession);
    expect(resting.get('says nothing')).toBeUndefined();
  });

  test('an exporter remembers the links', () => {
    const resting = new RestingTraces({ keepsTracesWithoutLogs: true });
    fill(resting, 1_000, 'trace', linkTrace);
    for (const index of [0, 999]) {
      expect(resting.get(`trace ${index}`)?.nodes.get('span-1')?.parent?.spanId).toBe('span-0');
      expect(resting.wake(`trace ${index}`)?.nodes.get('span-1')?.parent?.spanId).toBe('span-0');
    }
  });

  test('they do not push out traces with logs, whose spans may not be sent twice', () => {
    const resting = new RestingTraces({ keepsTracesWithoutLogs: true });
    resting.put(logTrace('with logs'));
    fill(resting, 25_001, 'trace', linkTrace);
    expect(resting.get('with logs')).toBeDefined();
    expect(resting.get('trace 0')).toBeUndefined();
    expect(resting.get('trace 1')).toBeDefined();
    expect(resting.hasForgotten).toBe(false);
    fill(resting, 25_000, 'with logs, too');
    expect(resting.get('with logs')).toBeUndefined();
    expect(resting.hasForgotten).toBe(true);
  });
});
