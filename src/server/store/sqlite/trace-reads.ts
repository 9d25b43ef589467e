/** What is remembered of traces, read outside of a transaction. */
import type { Prepare } from '../../../sqlite/statement-cache.ts';
import { type CallKey, CLOCKS_MILLIS, MAX_CALL_MILLIS, MAX_CALLS_FOUND } from '../ingest.ts';
import type { Store } from '../store.ts';

/** Of a JSON array of trace ids. */
const FIND_TRACES = 'SELECT trace_id FROM json_each(?) AS wanted CROSS JOIN traces ON trace_id = wanted.value';
const FIND_CALLS = `SELECT trace_id, span_id, start_millis, end_millis, reporter
  FROM trace_calls JOIN traces ON traces.key = trace_key
  WHERE call_key = ? AND (start_millis BETWEEN ? AND ? OR start_millis = 0) AND end_millis >= ?
  ORDER BY start_millis DESC LIMIT ${MAX_CALLS_FOUND}`;

export function createTraceReads(prepare: Prepare): Pick<Store, 'findCalls' | 'findTraces'> {
  const [findTraces, findCalls] = [prepare(FIND_TRACES), prepare(FIND_CALLS)];

  const findLike = ({ key, startMillis, endMillis }: CallKey): CallKey[] => {
    const [from, to] = [startMillis - CLOCKS_MILLIS, endMillis + CLOCKS_MILLIS];
    const rows = findCalls.all(Buffer.from(key, 'hex'), from - MAX_CALL_MILLIS, to, from);
    return rows.map((row) => ({
      key,
      referenceId: `${row['trace_id']}-${row['span_id']}`,
      reporter: Buffer.from(row['reporter'] as Uint8Array).toString('hex'),
      startMillis: Number(row['start_millis']),
      endMillis: Number(row['end_millis']),
    }));
  };

  return {
    findCalls: async (wanted) => wanted.flatMap(findLike),
    findTraces: async (traceIds) =>
      traceIds.length === 0 ? [] : findTraces.all(JSON.stringify(traceIds)).map((row) => row['trace_id'] as string),
  };
}
