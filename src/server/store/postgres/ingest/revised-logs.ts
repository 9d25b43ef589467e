/** The logs that a transaction revises: locked in one order, with what their sessions have of them. */
import type pg from 'pg';
import type { LogRequest } from '../../../../wire/v4.ts';
import { pipelined, type Value } from '../tables/connection.ts';
import { type LogPlace, placeOf } from '../tables/identifiers.ts';
import { inLockOrder } from '../tables/insert-rows.ts';
import type { Uuid } from '../tables/keys.ts';
import type { LogColumns } from '../tables/log-facts.ts';
import { findReferences } from '../tables/lookups.ts';
import { inTables } from '../tables/partitions.ts';
import { withBucket } from '../tables/row-keys.ts';
import type { TurnParts } from '../writing/turn-parts.ts';
import { costOf, type LogState } from './session-change.ts';

export type Says = Pick<LogRequest, 'output' | 'error'>;

export interface RevisedLog {
  readonly place: LogPlace;
  readonly referenceId: string;
  readonly project: number;
  readonly save: boolean;
  readonly createdAt: string;
  session: Uuid;
  inSession: boolean;
  hasParent: boolean;
  isGone: boolean;
  /** What it said when it was locked. */
  readonly says: Says;
  /** As the revisions have made it so far. */
  state: LogState;
}

/** For `withBucket`. The tables are those of the day, see `inTables`. */
export const KEY = 'day = $1::date AND {bucket} AND id = $3::text';
const TEXTS = ['inputs', 'messages', 'output', 'output_message', 'error'];
/** The texts are needed only where others take their place. */
const LOCK = `SELECT id, session, in_session, project, save, created_at, environment, source, metadata,
    parent_id IS NOT NULL OR parent_reference_id IS NOT NULL AS has_parent, config, duration, prompt_tokens, output_tokens,
    prompt_cost, output_cost, error IS NOT NULL AS has_error, output IS NOT NULL AS has_output,
    ${TEXTS.map((column) => `CASE WHEN $4::boolean THEN ${column} END AS ${column}`).join(', ')}
  FROM {logs} WHERE ${KEY} FOR UPDATE`;

/** Resolves to the logs that are there, by reference. */
export async function lockLogs(
  client: pg.ClientBase,
  { layout }: TurnParts,
  references: readonly string[],
  withTexts: ReadonlySet<string>,
): Promise<Map<string, RevisedLog>> {
  const found = await findReferences(client, new Set(references));
  const places = inLockOrder(
    [...found].map(([referenceId, id]) => ({ ...placeOf(id)!, key: id, referenceId })),
    layout,
    (place) => place,
  );
  const results = await pipelined(
    client,
    places.map(({ day, bucket, id, referenceId }) =>
      inTables('lock log', withBucket(LOCK, layout), day, [day, bucket, id, withTexts.has(referenceId)]),
    ),
  );
  const logs = new Map<string, RevisedLog>();
  for (const [index, { referenceId, day, bucket, id }] of places.entries()) {
    const row = results[index]!.rows[0];
    if (!row) continue;
    logs.set(referenceId, {
      ...{ place: { day, bucket, id }, referenceId, isGone: false },
      ...{ project: row['project'] as number, save: row['save'] as boolean },
      ...{ session: row['session'] as Uuid, inSession: row['in_session'] as boolean },
      ...{ hasParent: row['has_parent'] as boolean, createdAt: row['created_at'] as string },
      says: { output: row['output'] as string | null, error: row['error'] as string | null },
      state: toState(row as Readonly<Record<string, Value>>, {
        ...(row as LogColumns),
        // Where its text was not read, that there is one is known.
        error: (row['error'] ?? (row['has_error'] ? '' : null)) as string | null,
        trace: null,
      }),
    });
  }
  return logs;
}

export function toState(row: Readonly<Record<string, Value>>, columns: LogColumns): LogState {
  const number = (column: string) => row[column] as number | null;
  return {
    columns,
    config: row['config'] as string | null,
    hasError: row['has_error'] as boolean,
    hasOutput: row['has_output'] as boolean,
    duration: number('duration'),
    promptTokens: number('prompt_tokens'),
    outputTokens: number('output_tokens'),
    cost: costOf(number('prompt_cost'), number('output_cost')),
  };
}
