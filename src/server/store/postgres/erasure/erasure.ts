/**
 * Deletions of more than single logs. They are done in slices, each a transaction that leaves sums right, and take what is
 * there when they come to it.
 */
import type pg from 'pg';
import { parseJson } from '../../../../wire/json.ts';
import { listUsers } from '../../rows/log-user.ts';
import { storableText } from '../../storable-text.ts';
import type { ChangeFeed } from '../reading/change-feed.ts';
import { readSummaries } from '../reading/summaries.ts';
import type { UnusedWords } from '../search/unused-words.ts';
import type { Vocabulary } from '../search/vocabulary.ts';
import type { Catalog } from '../tables/catalog.ts';
import { LONG_MILLIS, pipelined, type Row, readLong, withConnection } from '../tables/connection.ts';
import { firstIdOf, placeOf } from '../tables/identifiers.ts';
import { inLockOrder } from '../tables/insert-rows.ts';
import { fromId, sessionKey, toKeyed } from '../tables/keys.ts';
import { type Layout, toBegin } from '../tables/layout.ts';
import { type FoundSession, findCurrentSessions, findLogs, OF_SESSION, valuesOf } from '../tables/lookups.ts';
import { toOwnLock } from '../tables/project-locks.ts';
import { NO_LIMITS, withoutLimits } from '../tables/session-settings.ts';
import { NEVER } from '../writing/session-sums.ts';
import { type Deleted, type DeletionOptions, deleteLogs, repeatOvertaken, writeAgain } from './deletions.ts';
import { createPruning } from './pruning.ts';

const SLICE = 1_000;
/** Of logs whose feedback is deleted in one transaction, with the sessions that are made again. */
const FEEDBACK_SLICE = 100;
/** By which the clocks of servers may differ. */
const CLOCKS_MILLIS = 1_000;
const VACUUMED = [
  ...['logs', 'log_words', 'words', 'feedback', 'log_references', 'sessions', 'session_facets', 'session_projects'],
  ...['trace_parts', 'trace_contents', 'trace_calls'],
];

export interface ErasureParts {
  readonly reads: pg.Pool;
  readonly writes: pg.Pool;
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly feed: ChangeFeed;
  readonly vocabulary: Vocabulary;
  readonly unusedWords: UnusedWords;
}

export function createErasure(parts: ErasureParts) {
  const { reads, writes, catalog, feed, unusedWords } = parts;

  const remove = async (ids: readonly string[], options: DeletionOptions = {}): Promise<Deleted> => {
    const logs = await findLogs(reads, ids);
    const current = await findCurrentSessions(reads, new Set([...logs.values()].map(({ session }) => session)));
    const keys = [...new Set([...current.values()].map(({ key }) => key))];
    const shown = [...(await readSummaries(reads, keys)).values()].map(({ id }) => id);
    try {
      return await deleteLogs(writes, parts, [...logs.keys()], options);
    } finally {
      feed.announceDeleted(shown);
    }
  };

  /** Again and again, until the query finds no more. */
  const removeFound = async (
    text: string,
    values: readonly unknown[],
    options: DeletionOptions = {},
  ): Promise<Deleted> => {
    let [logs, sessions] = [0, 0];
    for (;;) {
      const { rows } = await reads.query<Row>(`${text} LIMIT ${SLICE}`, [...values]);
      if (rows.length === 0) return { logs, sessions };
      const deleted = await remove(
        rows.map((row) => row['id'] as string),
        options,
      );
      logs += deleted.logs;
      sessions += deleted.sessions;
      // Others have deleted them meanwhile; where nothing goes, nothing would ever end.
      if (deleted.logs === 0) return { logs, sessions };
    }
  };

  const removeSession = async (session: FoundSession, options: DeletionOptions = {}): Promise<Deleted> => {
    const deleted = await removeFound(
      `SELECT id FROM logs WHERE ${OF_SESSION} AND id < $5`,
      [...valuesOf(session), toEnd()],
      options,
    );
    if (deleted.sessions > 0 || session.id === null) return deleted;
    // It had no logs: nothing that was deleted has taken it along. Or it has others, which came meanwhile.
    const { key, bucket } = toKeyed(session.key);
    const { rowCount } = await writes.query(
      'DELETE FROM sessions WHERE bucket = $1::smallint AND key = $2::uuid AND logs = 0',
      [...[bucket, key]],
    );
    feed.announceDeleted([session.id]);
    return { ...deleted, sessions: rowCount ?? 0 };
  };

  return {
    deleteLogs: (ids: readonly string[]) => remove(ids),

    /** Resolves to `undefined` if there is no such session. */
    deleteSession: async (selector: { readonly id: string } | { readonly referenceId: string }) => {
      const session = await findSession(reads, selector);
      return session && removeSession(session);
    },

    /** Resolves to `undefined` if there is no such project. */
    deleteProject: async (selector: { readonly id: string } | { readonly name: string }) => {
      const named = 'id' in selector ? selector : { name: storableText(selector.name) };
      const project = await catalog.lookUpProject(named);
      if (!project) {
        // The deletion that is repeated may have ended before.
        await removeUnusedConfigs(writes);
        return undefined;
      }
      const deleted = await removeFound('SELECT id FROM logs WHERE project = $1 AND id < $2', [project.key, toEnd()]);
      await withConnection(writes, async (client) => {
        await pipelined(client, [
          { text: `BEGIN; ${toOwnLock(project.key)}` },
          // A project that was logged to meanwhile stays, with its configs, which servers remember.
          {
            text: 'DELETE FROM projects WHERE key = $1 AND NOT EXISTS (SELECT 1 FROM logs WHERE project = $1)',
            values: [project.key],
          },
          { text: 'COMMIT' },
        ]);
      });
      await removeUnusedConfigs(writes);
      catalog.forgetAll();
      return deleted;
    },

    /** Deletes the logs whose metadata name this user, and the feedback that this user gave on other logs. */
    deleteLogsOfUser: async (user: string): Promise<Deleted> => {
      let [logs, sessions, after] = [0, 0, ''];
      const end = toEnd();
      for (;;) {
        const rows = await readLong(
          reads,
          `SELECT id, metadata FROM logs WHERE id > $1 AND id < $3 AND strpos(metadata, $2) > 0 ORDER BY id LIMIT ${SLICE}`,
          [after, JSON.stringify(user).slice(1, -1), end],
        );
        const own = rows.filter((row) => listUsers(parseJson(row['metadata'] as string)).includes(user));
        const deleted = await remove(own.map((row) => row['id'] as string));
        logs += deleted.logs;
        sessions += deleted.sessions;
        if (rows.length < SLICE) break;
        after = rows.at(-1)!['id'] as string;
      }
      await removeFeedbackOf(parts, storableText(user));
      return { logs, sessions };
    },

    prune: createPruning({ reads, writes, removeSession: (session) => removeSession(session, { forgets: true }) }),

    /**
     * Frees the space of deleted rows. What was deleted can be in the files of the database for as long as its
     * administrator keeps write-ahead logs and backups.
     */
    eraseDeleted: async (): Promise<void> => {
      await unusedWords.forgetAll();
      await withConnection(writes, async (client) => {
        await withoutLimits(client, async () => {
          for (const table of VACUUMED) {
            await pipelined(client, [{ text: `VACUUM ${table}`, query_timeout: LONG_MILLIS }]);
          }
        });
      });
    },

    /** The process is well, also while the database is away: see `readiness`. */
    health: async () => ({ status: 'ok' as const }),
  };
}

/** Whoever goes on writing would keep a deletion going for ever. */
function toEnd(): string {
  return firstIdOf(Date.now() + CLOCKS_MILLIS);
}

/** Of projects that were deleted. Logs of other projects may have some of them, which no other log is given any more. */
async function removeUnusedConfigs(pool: pg.Pool): Promise<void> {
  const unused = 'NOT EXISTS (SELECT 1 FROM projects WHERE projects.key = configs.project)';
  // Else all logs would be read for none.
  if ((await pool.query(`SELECT 1 FROM configs WHERE ${unused} LIMIT 1`)).rows.length === 0) return;
  await withConnection(pool, async (client) => {
    await pipelined(client, [
      { text: `BEGIN; ${NO_LIMITS}` },
      {
        text: `DELETE FROM configs WHERE ${unused} AND NOT EXISTS (SELECT 1 FROM logs WHERE logs.config = configs.key)`,
        query_timeout: LONG_MILLIS,
      },
      { text: 'COMMIT', query_timeout: LONG_MILLIS },
    ]);
  });
}

async function findSession(
  pool: pg.Pool,
  selector: { readonly id: string } | { readonly referenceId: string },
): Promise<FoundSession | undefined> {
  const own =
    'referenceId' in selector ? sessionKey(storableText(selector.referenceId)).key : fromId('sesh', selector.id);
  if (own !== undefined) {
    const session = (await findCurrentSessions(pool, [own])).get(own);
    return session?.id === null ? undefined : session;
  }
  if (!('id' in selector)) return undefined;
  // The id of a log that is in no session stands for it and all below it.
  const log = (await findLogs(pool, [selector.id])).get(selector.id);
  const session = log && (await findCurrentSessions(pool, [log.session])).get(log.session);
  if (!session || session.id !== null) return undefined;
  const summary = (await readSummaries(pool, [session.key])).get(session.key);
  return summary?.id === selector.id ? session : undefined;
}

async function removeFeedbackOf({ reads, writes, layout }: ErasureParts, user: string): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await readLong(
      reads,
      `SELECT DISTINCT log_id FROM feedback WHERE "user" = $1 AND log_id > $2 ORDER BY log_id LIMIT ${FEEDBACK_SLICE}`,
      [user, after],
    );
    if (rows.length === 0) return;
    const ids = rows.map((row) => row['log_id'] as string);
    after = ids.at(-1)!;
    const places = inLockOrder(
      ids.map((id) => placeOf(id)!),
      layout,
      ({ bucket, id }) => ({ bucket, key: id }),
    );
    await repeatOvertaken(writes, async (client) => {
      await pipelined(client, [
        { text: toBegin(layout) },
        ...places.map(({ day, bucket, id }) => ({
          text: `DELETE FROM feedback WHERE day = $1::date AND bucket = $2::smallint AND log_id = $3 AND "user" = $4`,
          values: [day, bucket, id, user],
        })),
      ]);
      const logs = await findLogs(client, ids);
      const found = await findCurrentSessions(client, new Set([...logs.values()].map(({ session }) => session)));
      const touched = new Map([...found.values()].map((session) => [session.key, session]));
      await writeAgain(client, layout, touched.values(), { forgets: true, updatedAt: NEVER });
      await client.query('COMMIT');
    });
  }
}
