/**
 * Open pages look back for some seconds only, since a transaction becomes visible later than the time that it has written.
 * What took longer than that is given a later time once it is visible.
 */
import type pg from 'pg';
import { pipelined, type Row, withConnection } from '../tables/connection.ts';
import { inLockOrder } from '../tables/insert-rows.ts';
import type { Layout } from '../tables/layout.ts';
import type { SessionWrites } from './session-writes.ts';

/** Less than pages look back, and than a lock or a disk that makes a turn wait. */
const LATE_MILLIS = 3_000;

const TOUCH = `UPDATE sessions SET changed_at = greatest(changed_at + interval '1 microsecond', $3::timestamptz)
  WHERE bucket = $1::smallint AND key = $2::uuid AND merged_into IS NULL`;

/** To be called behind the commit. Never rejects: what is not told now is told with the next change. */
export async function announceLate(pool: pg.Pool, layout: Layout, sessions: SessionWrites): Promise<void> {
  if (performance.now() - sessions.sentAtMillis < LATE_MILLIS) return;
  await withConnection(pool, async (client) => {
    const { rows } = await client.query<Row>('SELECT clock_timestamp() AS now');
    const now = rows[0]!['now'] as string;
    const touches = inLockOrder(sessions.keys, layout, (each) => each).map(({ bucket, key }) => ({
      ...{ name: 'touch session', text: TOUCH, values: [bucket, key, now] },
    }));
    await pipelined(client, [{ text: 'BEGIN' }, ...touches, { text: 'COMMIT' }]);
  }).catch(() => {});
}
