/** What is remembered of traces, as others than `ingest` read it. */
import type { Prepare } from '../../../../sqlite/statement-cache.ts';
import { type CallSearch, toCallSearches } from '../../call-searches.ts';
import { type CallKey, CLOCKS_MILLIS, MAX_CALL_MILLIS, MAX_CALLS_FOUND } from '../../ingest.ts';
import type { Store } from '../../store.ts';

/** Of a JSON array of trace ids. */
const FIND_TRACES = 'SELECT trace_id FROM json_each(?) AS wanted CROSS JOIN traces ON trace_id = wanted.value';
/** Which of them have ended too early is known only once they are read: of a key that very many have, the latest are. */
const MAX_CALLS_READ = 1_000;
/** Most calls are alone with their key: to learn that takes a fifth of the time of the statements below. */
const HAS_OTHERS = `SELECT 1 AS found FROM trace_calls
  WHERE call_key = ? AND NOT (reporter = ? AND span_id = ? AND start_millis = ?) LIMIT 1`;
/**
 * Two statements: one `OR` of both ranges would read all rows of the key, and to put two results in one order takes ten
 * times as long as to find them. What has the one reporter of all that is wanted is left out: it is the same call only if
 * it is the same span.
 */
const FIND_AROUND = `SELECT trace_id, span_id, start_millis, end_millis, reporter FROM (
    SELECT * FROM trace_calls WHERE call_key = ?1 AND start_millis BETWEEN max(?2, 1) AND ?3
    ORDER BY start_millis DESC LIMIT ${MAX_CALLS_READ}
  ) CROSS JOIN traces ON traces.key = trace_key
  WHERE end_millis >= ?4 AND reporter <> ?5
  ORDER BY start_millis DESC LIMIT ?6`;
const FIND_TIMELESS = `SELECT trace_id, span_id, start_millis, end_millis, reporter
  FROM trace_calls CROSS JOIN traces ON traces.key = trace_key WHERE call_key = ? AND start_millis = 0 LIMIT ?`;

/** Other writes wait for so many searches at most, or about so long where they are slow. */
const SEARCHES_OF_TURN = 200;
const TURN_MILLIS = 20;

type TraceReads = Pick<Store, 'findCalls' | 'findTraces'>;

/** The reporter of nothing. */
const NOBODY = Buffer.alloc(0);

export interface TraceReadsParts {
  readonly prepare: Prepare;
  /** On the connection for writes. */
  readonly prepareWrite: Prepare;
  /** For `work` that may be called again. */
  readonly inTurn: <Result>(work: () => Generator<void, Result>) => Promise<Result>;
}

/**
 * Calls are looked for in a turn of writes. Most look-ups follow the writing of the same calls, whose pages that connection
 * has; the others read pages again after each commit.
 */
export function createTraceReads({ prepare, prepareWrite, inTurn }: TraceReadsParts): TraceReads {
  const findTraces = prepare(FIND_TRACES);
  const hasOthers = prepareWrite(HAS_OTHERS);
  const [findAround, findTimeless] = [prepareWrite(FIND_AROUND), prepareWrite(FIND_TIMELESS)];

  const find = ({ first, endMillis, wantedCount, isOfOne }: CallSearch): CallKey[] => {
    const { key, startMillis, reporter, referenceId } = first;
    const [from, to] = [startMillis - CLOCKS_MILLIS, endMillis + CLOCKS_MILLIS];
    const [keyBytes, reporterBytes] = [Buffer.from(key, 'hex'), Buffer.from(reporter, 'hex')];
    if (wantedCount === 1 && hasOthers.all(keyBytes, reporterBytes, referenceId.slice(33), startMillis).length === 0) {
      return [];
    }
    const limit = MAX_CALLS_FOUND * wantedCount;
    const leftOut = isOfOne ? reporterBytes : NOBODY;
    const around = findAround.all(keyBytes, from - MAX_CALL_MILLIS, to, from, leftOut, limit);
    const timeless = findTimeless.all(keyBytes, MAX_CALLS_FOUND);
    return [...around, ...timeless].map((row) => ({
      key,
      referenceId: `${row['trace_id']}-${row['span_id']}`,
      reporter: Buffer.from(row['reporter'] as Uint8Array).toString('hex'),
      startMillis: Number(row['start_millis']),
      endMillis: Number(row['end_millis']),
    }));
  };

  return {
    findCalls: async (wanted) => {
      const [searches, found] = [toCallSearches(wanted), [] as CallKey[][]];
      while (found.length < searches.length) {
        found.push(
          ...(await inTurn(function* () {
            const some: CallKey[][] = [];
            const endMillis = performance.now() + TURN_MILLIS;
            for (const search of searches.slice(found.length, found.length + SEARCHES_OF_TURN)) {
              some.push(find(search));
              if (performance.now() >= endMillis) break;
              yield;
            }
            return some;
          })),
        );
      }
      return found.flat();
    },
    findTraces: async (traceIds) =>
      traceIds.length === 0 ? [] : findTraces.all(JSON.stringify(traceIds)).map((row) => row['trace_id'] as string),
  };
}
