/** Finds the logs that name a span as their parent which has come, and has no log: see `Ingest.places`. */
import type pg from 'pg';
import type { Ingest, Revision } from '../../ingest.ts';
import { storableText } from '../../storable-text.ts';
import type { Row } from '../tables/connection.ts';
import { referenceKey, traceOf, traceRange } from '../tables/keys.ts';
import { findLogs } from '../tables/lookups.ts';

/**
 * Resolves to where they hang instead. Mostly nothing waits, which one look-up in a small index says; else all logs of the
 * trace are looked at, whose references are neighbours. A log of another trace, or without a reference, stays as it is.
 */
export async function toPlace(client: pg.ClientBase, places: Ingest['places']): Promise<Revision[]> {
  const traces = new Map<string, string[]>();
  for (const name of places.keys()) {
    const traceId = traceOf(name);
    if (traceId !== undefined) traces.set(traceId, [...(traces.get(traceId) ?? []), name]);
  }
  const revisions: Revision[] = [];
  for (const [traceId, names] of traces) {
    if (!(await isAwaited(client, traceId, names))) continue;
    for (const log of (await findLogs(client, await listLogs(client, traceId))).values()) {
      const { referenceId, parentId, parentReferenceId } = log;
      if (referenceId === null || parentId !== null || parentReferenceId === null) continue;
      const place = places.get(parentReferenceId);
      if (place !== undefined) revisions.push({ referenceId, parentReferenceId: place && storableText(place) });
    }
  }
  return revisions;
}

async function isAwaited(client: pg.ClientBase, traceId: string, names: readonly string[]): Promise<boolean> {
  const { rows } = await client.query<Row>({
    name: 'is awaited',
    text: `SELECT 1 FROM log_references
      WHERE bucket = $1::smallint AND reference = ANY($2::uuid[]) AND awaited AND log_id IS NULL LIMIT 1`,
    values: [traceRange(traceId).bucket, names.map((name) => referenceKey(name).key)],
  });
  return rows.length > 0;
}

async function listLogs(client: pg.ClientBase, traceId: string): Promise<string[]> {
  const { bucket, first, last } = traceRange(traceId);
  const { rows } = await client.query<Row>({
    name: 'list logs of a trace',
    text: `SELECT log_id FROM log_references
      WHERE bucket = $1::smallint AND reference BETWEEN $2::uuid AND $3::uuid AND log_id IS NOT NULL`,
    values: [bucket, first, last],
  });
  return rows.map((row) => row['log_id'] as string);
}
