/**
 * Moves what is remembered of traces whose spans come in several requests, for the two days that it is remembered. All of
 * it can be done again: what is there already is not added.
 */
import type { SqliteRow } from '../../../sqlite/open.ts';
import { referenceIdOf } from '../../../wire/reference-id.ts';
import type { CallKey, Ingest, NewPart } from '../ingest.ts';
import type { Store } from '../store.ts';
import type { Source } from './source.ts';

export async function moveTraces(source: Source, store: Store, onProgress: (traces: number) => void): Promise<void> {
  for (const rows of source.portions('listTraces')) {
    for (const row of rows) await moveTrace(source, store, row);
    onProgress(rows.length);
  }
}

/** A part is written at a time, since each has its place in the order. */
async function moveTrace({ statements }: Source, store: Store, row: SqliteRow): Promise<void> {
  const traceId = row['trace_id'] as string;
  const parts = statements.listParts.all(row['key']!).map(({ spans }) => spans as Uint8Array);
  const kept = statements.listContents
    .all(row['key']!)
    .map((each): [string, string] => [each['reference_id'] as string, each['content'] as string]);
  const calls = statements.listCalls.all(row['key']!).map((each) => toCallKey(traceId, each));
  for (const [index, bytes] of parts.entries()) {
    const isLast = index === parts.length - 1;
    await store.ingest([traceId], (memory) => {
      const known = (memory.get(traceId) ?? []).some((part) => Buffer.compare(part, bytes) === 0);
      const added = new Map<string, NewPart>(known ? [] : [[traceId, { bytes, replacesOthers: false }]]);
      return { ...NOTHING, parts: added, kept: new Map(isLast ? kept : []), calls: isLast ? calls : [] };
    });
  }
}

function toCallKey(traceId: string, row: SqliteRow): CallKey {
  const hexOf = (column: string) => Buffer.from(row[column] as Uint8Array).toString('hex');
  return {
    ...{
      key: hexOf('call_key'),
      reporter: hexOf('reporter'),
      referenceId: referenceIdOf(traceId, row['span_id'] as string),
    },
    ...{ startMillis: Number(row['start_millis']), endMillis: Number(row['end_millis']) },
  };
}

const NOTHING: Omit<Ingest, 'parts' | 'kept' | 'calls'> = {
  creates: [],
  revisions: [],
  places: new Map(),
  feedback: [],
};
