/** Logs that are deleted together: those of a session, of a project, or of a tree that is in no session. */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import type { Statements } from '../writing/statements.ts';
import type { Deletion } from './deletion.ts';
import { type ErasureStatements, LIST_TREE, MAX_SMALL_TREE, TREE_PORTION } from './erasure-statements.ts';

export interface Group {
  /** False when the group is gone, or is not to be deleted any more. */
  isThere?(): boolean;
  /** Returns logs that are still to be deleted, none when the group is done; undefined if that needs `prepare`. */
  list(limit: number, place: number): Listed | undefined;
  /** Called between transactions. */
  prepare?(): Promise<void>;
  /** Called in the transaction in which the logs are done. Returns false if it is to be called again, perhaps in another. */
  after?(deletion: Deletion): boolean;
}

export interface Listed {
  readonly keys: readonly SqliteValue[];
  /** For the next call. */
  readonly place: number;
}

export interface Groups {
  ofLog(id: SqliteValue): Group;
  ofProject(key: SqliteValue, newest: SqliteValue, isThere: () => boolean): Group;
  /** By the key of its summary: that of a session, or minus that of a log in none, for that log and all below it. */
  ofSummary(key: SqliteValue, newest: SqliteValue, isThere: () => boolean): Group;
}

interface GroupsParts {
  readonly statements: Statements;
  readonly erasureStatements: ErasureStatements;
  readonly reader: SqliteReader;
}

export const NO_KEYS: Listed = { keys: [], place: 0 };

/** `newest` is the key of the last log that is to be deleted. */
export function createGroups({ statements, erasureStatements, reader }: GroupsParts): Groups {
  const ofSession = (key: SqliteValue, newest: SqliteValue, isThere: () => boolean): Group => ({
    isThere,
    list: (limit) => toListed(erasureStatements.listLogsOfSession.all(key, newest, limit)),
    after: (deletion) => {
      deletion.deleteSession(key);
      return true;
    },
  });

  /** Of a tree, the logs are listed once: when one is gone, those below it are no longer found. */
  const ofTree = (top: SqliteValue, newest: SqliteValue, isThere: () => boolean): Group => {
    let lists: readonly string[] | undefined;
    const listSmall = (): readonly string[] | undefined => {
      const rows = erasureStatements.listLogsOfTree.all(top, newest);
      return rows.length > MAX_SMALL_TREE ? undefined : [JSON.stringify(rows.map(({ id }) => id))];
    };
    return {
      isThere,
      list: (limit, place) => {
        lists ??= listSmall();
        return lists && listLeft(lists, limit, place);
      },
      prepare: async () => {
        const rows = await reader.all(LIST_TREE, [top, newest]);
        lists = rows.map(({ ids }) => ids as string);
      },
    };
  };

  /** Those that are gone, or have come into a session, are passed over. `place` counts the logs before. */
  const listLeft = (lists: readonly string[], limit: number, place: number): Listed => {
    for (let at = place; ; at += limit) {
      const list = lists[Math.floor(at / TREE_PORTION)];
      if (list === undefined) return NO_KEYS;
      const start = at % TREE_PORTION;
      const ids = (JSON.parse(list) as string[]).slice(start, start + limit);
      const keys = ids.flatMap((id) => keysOf(erasureStatements.findLogOfTree.all(id)));
      if (keys.length > 0) return { keys, place: at };
    }
  };

  return {
    ofLog: (id) => ({ list: () => toListed(statements.findLogById.all(id)) }),
    ofProject: (key, newest, isThere) => ({
      isThere,
      list: (limit) => toListed(erasureStatements.listLogsOfProject.all(key, newest, limit)),
      after: (deletion) => deletion.deleteProject(key),
    }),
    ofSummary: (key, ...bounds) => (Number(key) > 0 ? ofSession(key, ...bounds) : ofTree(-Number(key), ...bounds)),
  };
}

export function keysOf(rows: readonly Record<string, SqliteValue>[]): SqliteValue[] {
  return rows.map((row) => row['key']!);
}

function toListed(rows: readonly SqliteRow[]): Listed {
  return { keys: keysOf(rows), place: 0 };
}
