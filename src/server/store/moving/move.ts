/**
 * Moves everything of a SQLite file into a PostgreSQL database. It can be ended at any point and done again: it goes on
 * where it was, and nothing is there twice. Memory is bounded by one portion of logs.
 */

import { openPostgresStore } from '../postgres/store.ts';
import type { Store } from '../store.ts';
import { type Comparison, compare } from './compare.ts';
import { moveCatalog } from './move-catalog.ts';
import { moveLogs } from './move-logs.ts';
import { moveSessions } from './move-sessions.ts';
import { moveTraces } from './move-traces.ts';
import { openSource, type Source } from './source.ts';
import { Target } from './target.ts';

export interface Progress {
  readonly what: 'sessions' | 'logs' | 'traces';
  readonly done: number;
  readonly of: number;
}

export interface MoveOptions {
  /** The SQLite file. No other process may use it. */
  readonly file: string;
  /** `postgres://user@host/database`. */
  readonly url: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface MoveOutcome {
  readonly comparison: Comparison;
  /** Projects that the database has under another id. */
  readonly renamedProjects: readonly string[];
}

/** Rejects with a `HumanloopError`. */
export async function moveToPostgres({ file, url, onProgress = () => {} }: MoveOptions): Promise<MoveOutcome> {
  const source = openSource(file);
  try {
    const target = await Target.open(url, nameOf(source));
    try {
      return await move(source, target, url, onProgress);
    } finally {
      await target.close();
    }
  } finally {
    source.close();
  }
}

async function move(
  source: Source,
  target: Target,
  url: string,
  onProgress: (progress: Progress) => void,
): Promise<MoveOutcome> {
  const counts = source.counts();
  const counting = (what: Progress['what'], before: number) => {
    let done = before;
    return (rows: number) => {
      done += rows;
      onProgress({ what, done, of: counts[what] });
    };
  };
  const { projects, renamed } = await moveCatalog(source, target);
  await moveSessions(source, target, counting('sessions', source.countUpTo('sessions', target.place.sessions)));
  await moveLogs(source, target, projects, counting('logs', source.countUpTo('logs', target.place.logs)));
  if (counts.traces > 0) await withStore(url, (store) => moveTraces(source, store, counting('traces', 0)));
  await target.analyze();
  const comparison = await compare(source, target);
  return { comparison, renamedProjects: renamed };
}

/** Of the file: its oldest project is in no other one. */
function nameOf(source: Source): string {
  for (const [first] of source.portions('listProjects')) return first!['id'] as string;
  return 'a file without projects';
}

async function withStore<Result>(url: string, work: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openPostgresStore({ url });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
