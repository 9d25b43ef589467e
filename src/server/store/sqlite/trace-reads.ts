/** What is remembered of traces, read outside of a transaction. */
import type { Prepare } from '../../../sqlite/statement-cache.ts';
import { createPauses } from '../heavy-turns.ts';
import { type CallKey, CLOCKS_MILLIS, MAX_CALL_MILLIS, MAX_CALLS_FOUND } from '../ingest.ts';
import type { Store } from '../store.ts';

/** Of a JSON array of trace ids. */
const FIND_TRACES = 'SELECT trace_id FROM json_each(?) AS wanted CROSS JOIN traces ON trace_id = wanted.value';
/** Which of them have ended too early is known only once they are read: of a key that very many have, the latest are. */
const MAX_CALLS_READ = 1_000;
/** One `OR` of both ranges would read all rows of the key. */
const FIND_CALLS = `SELECT trace_id, span_id, start_millis, end_millis, reporter FROM (
    SELECT * FROM (SELECT * FROM trace_calls WHERE call_key = ?1 AND start_millis BETWEEN max(?2, 1) AND ?3
      ORDER BY start_millis DESC LIMIT ${MAX_CALLS_READ})
    UNION ALL
    SELECT * FROM (SELECT * FROM trace_calls WHERE call_key = ?1 AND start_millis = 0 LIMIT ${MAX_CALLS_FOUND})
  ) CROSS JOIN traces ON traces.key = trace_key
  WHERE end_millis >= ?4 ORDER BY start_millis DESC LIMIT ?5`;

/** What is wanted of one key that starts within so long is looked for together. */
const TOGETHER_MILLIS = 60_000;

interface Search {
  readonly key: string;
  readonly startMillis: number;
  endMillis: number;
  wantedCount: number;
}

export function createTraceReads(prepare: Prepare): Pick<Store, 'findCalls' | 'findTraces'> {
  const [findTraces, findCalls] = [prepare(FIND_TRACES), prepare(FIND_CALLS)];

  const find = ({ key, startMillis, endMillis, wantedCount }: Search): CallKey[] => {
    const [from, to] = [startMillis - CLOCKS_MILLIS, endMillis + CLOCKS_MILLIS];
    const limit = MAX_CALLS_FOUND * wantedCount;
    const rows = findCalls.all(Buffer.from(key, 'hex'), from - MAX_CALL_MILLIS, to, from, limit);
    return rows.map((row) => ({
      key,
      referenceId: `${row['trace_id']}-${row['span_id']}`,
      reporter: Buffer.from(row['reporter'] as Uint8Array).toString('hex'),
      startMillis: Number(row['start_millis']),
      endMillis: Number(row['end_millis']),
    }));
  };

  return {
    findCalls: async (wanted) => {
      const found: CallKey[][] = [];
      const giveWay = createPauses();
      for (const search of toSearches(wanted)) {
        found.push(find(search));
        await giveWay();
      }
      return found.flat();
    },
    findTraces: async (traceIds) =>
      traceIds.length === 0 ? [] : findTraces.all(JSON.stringify(traceIds)).map((row) => row['trace_id'] as string),
  };
}

function toSearches(wanted: readonly CallKey[]): Search[] {
  const searches: Search[] = [];
  /** The last one of each key. */
  const latest = new Map<string, Search>();
  for (const { key, startMillis, endMillis } of [...wanted].sort((a, b) => a.startMillis - b.startMillis)) {
    const known = latest.get(key);
    if (known && startMillis <= known.startMillis + TOGETHER_MILLIS) {
      known.endMillis = Math.max(known.endMillis, endMillis);
      known.wantedCount += 1;
      continue;
    }
    const search = { key, startMillis, endMillis, wantedCount: 1 };
    searches.push(search);
    latest.set(key, search);
  }
  return searches;
}
