/**
 * The commands that work on the database itself: delete, prune, compact, backup, restore. They open it beside a server
 * that runs, which learns of their writes from the file, or without one. Those that delete do so in short transactions,
 * so that the server's writes find their place between them.
 */
import { HumanloopError } from '../errors.ts';
import { openPostgresStore } from '../server/store/postgres/store.ts';
import { agoFrom } from '../server/store/retention.ts';
import { backUpSqlite, compactSqlite, restoreSqlite } from '../server/store/sqlite/copies.ts';
import { openSqliteStore } from '../server/store/sqlite/store.ts';
import type { DeletedCounts, Store } from '../server/store/store.ts';

const DEFAULT_FILE = '.humanloop/logs.db';
/** A server may be in the middle of a large write, on a machine that has much to do. */
const BUSY_MILLIS = 120_000;

/** Which logs: one of these. */
export interface DeleteOptions {
  readonly db?: string | undefined;
  /** Of PostgreSQL, instead of a file. */
  readonly database?: string | undefined;
  readonly session?: string | undefined;
  readonly user?: string | undefined;
  readonly project?: string | undefined;
  readonly log?: string | undefined;
}

/** Each command returns the line that says what it has done. Rejects or throws with a `HumanloopError`. */
export async function deleteLogs({ db, database, session, user, project, log }: DeleteOptions): Promise<string> {
  return withStore({ db, database }, async (store) => {
    let deleted: DeletedCounts | undefined;
    let what = '';
    if (session !== undefined) {
      what = `session ${JSON.stringify(session)}`;
      deleted = (await store.deleteSession({ id: session })) ?? (await store.deleteSession({ referenceId: session }));
    } else if (project !== undefined) {
      what = `project ${JSON.stringify(project)}`;
      deleted = (await store.deleteProject({ name: project })) ?? (await store.deleteProject({ id: project }));
    } else if (user !== undefined) {
      deleted = await store.deleteLogsOfUser(user);
    } else if (log !== undefined) {
      what = `log ${JSON.stringify(log)}`;
      const counts = await store.deleteLogs([log]);
      deleted = counts.logs > 0 ? counts : undefined;
    }
    if (!deleted) throw new HumanloopError(`there is no ${what}`);
    await store.eraseDeleted();
    const left = database === undefined ? 'nothing of them is left in the file' : 'their space is free';
    return `deleted ${describe(deleted)}: ${left}`;
  });
}

export interface PruneOptions {
  readonly db?: string | undefined;
  readonly database?: string | undefined;
  readonly olderThanMillis?: number | undefined;
  readonly maxSizeBytes?: number | undefined;
}

export async function prune({ db, database, olderThanMillis, maxSizeBytes }: PruneOptions): Promise<string> {
  return withStore({ db, database }, async (store) => {
    const deleted = await store.prune({
      ...(olderThanMillis !== undefined && { olderThan: agoFrom(Date.now(), olderThanMillis) }),
      ...(maxSizeBytes !== undefined && { maxBytes: maxSizeBytes }),
    });
    await store.eraseDeleted();
    return `deleted ${describe(deleted)}`;
  });
}

export function compact(db = DEFAULT_FILE): string {
  const { before, after } = compactSqlite(db);
  return `${db} had ${before} bytes and has ${after}`;
}

export function backUp(target: string, { db = DEFAULT_FILE, force = false }: { db?: string; force?: boolean }): string {
  backUpSqlite(db, target, { force });
  return `${db} is backed up in ${target}`;
}

export function restore(
  source: string,
  { db = DEFAULT_FILE, force = false }: { db?: string; force?: boolean },
): string {
  restoreSqlite(source, db, { force });
  return `${db} is restored from ${source}`;
}

async function withStore(
  { db: file = DEFAULT_FILE, database }: Pick<PruneOptions, 'db' | 'database'>,
  use: (store: Store) => Promise<string>,
): Promise<string> {
  const store = await (database === undefined
    ? openSqliteStore({ file, mustExist: true, busyTimeoutMillis: BUSY_MILLIS })
    : openPostgresStore({ url: database }));
  // The store's timers and threads do not keep a process alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    return await use(store);
  } finally {
    await store.close();
    clearInterval(alive);
  }
}

function describe({ logs, sessions }: DeletedCounts): string {
  return `${logs} ${logs === 1 ? 'log' : 'logs'} and ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
}
