/**
 * Deletes logs with everything that only they have: their words in the search index, the texts that lists show of them,
 * sessions that become empty, configs that no other log has. `Scrub` then takes the traces out of the files.
 *
 * A long deletion is done in slices, each a transaction of its own, so that no request waits for more than one.
 */
import type { SqliteRow, SqliteStatement } from '../../../../sqlite/open.ts';
import type { SqliteReader } from '../../../../sqlite/reader-threads.ts';
import { parseJson } from '../../../../wire/json.ts';
import type { ProjectSelector } from '../../project-store.ts';
import { listUsers } from '../../rows/log-user.ts';
import { toSteps, type Work } from '../../steps.ts';
import { storableText } from '../../storable-text.ts';
import type { DeletedCounts, SessionSelector } from '../../store.ts';
import { pause } from '../file/pause.ts';
import type { Statements } from '../writing/statements.ts';
import { Deletion } from './deletion.ts';
import {
  CHANGED_AT_ONCE,
  type ErasureStatements,
  LIST_EMPTY_SESSIONS,
  LIST_FEEDBACK_OF_USER,
  LIST_METADATA_WITH,
} from './erasure-statements.ts';
import { createGroups, type Group, keysOf, NO_KEYS } from './groups.ts';
import type { Scrub } from './scrub.ts';

const SLICE_MILLIS = 10;
/** As long as a slice: the writes of another process find the file free half of the time. */
const PAUSE_MILLIS = 10;
/**
 * Logs that a slice deletes for each one that was written since the slice before, where it hurries as much as it can, and
 * the most that it deletes for that reason. Other requests than writes find their place within such a slice.
 */
const HURRIED_LOGS = 4;
const MAX_HURRIED_LOGS = 2_000;
/** Keys that are looked up at once. */
const PORTION = 50;
/** Logs that one transaction changes on a full disk, besides the children of the last one. */
const SHORT_LOGS = 8;
/** Logs that one look for a user goes through, on a thread. */
const SCANNED_KEYS = 20_000;

export interface ErasureParts {
  readonly statements: Statements;
  readonly erasureStatements: ErasureStatements;
  readonly reader: SqliteReader;
  readonly scrub: Scrub;
  /** Runs a work of deletion as one transaction. */
  readonly write: (work: Work<void>) => Promise<void>;
  /** Whether transactions have to be short in what they write, not only in time. */
  readonly isSpaceShort: () => boolean;
  /** Called with the ids of what has gone: sessions, and logs in no session. */
  readonly onDeleted: (ids: readonly string[]) => void;
}

/** Each of them must be run by `Scrub.after`. */
export interface Erasure {
  deleteLogs(ids: readonly string[]): Promise<DeletedCounts>;
  deleteSession(selector: SessionSelector): Promise<DeletedCounts | undefined>;
  deleteProject(selector: ProjectSelector): Promise<DeletedCounts | undefined>;
  deleteLogsOfUser(user: string): Promise<DeletedCounts>;
  /**
   * For retention: deletes what these rows of `listOldestSessions` name, each as a whole, until `isEnough`. One that has
   * changed meanwhile is left. The traces may wait. `hurry` is from 0 to 1: the more of it, the longer do writes
   * wait.
   */
  deleteOldest(summaries: readonly SqliteRow[], isEnough: () => boolean, hurry: () => number): Promise<DeletedCounts>;
  /** For retention: deletes sessions that never had a log, or have none left, and were last changed before. */
  deleteEmptySessions(olderThan: string): Promise<DeletedCounts>;
}

export const NOTHING_DELETED: DeletedCounts = { logs: 0, sessions: 0 };

export function addCounts(one: DeletedCounts, other: DeletedCounts): DeletedCounts {
  return { logs: one.logs + other.logs, sessions: one.sessions + other.sessions };
}

export function createErasure(parts: ErasureParts): Erasure {
  const { statements, erasureStatements, reader, scrub, write, isSpaceShort, onDeleted } = parts;
  const groups = createGroups(parts);

  /** Runs a transaction of deletion. Its traces are due at once, except those of retention. */
  const erase = async (
    work: (deletion: Deletion) => void | Generator<void, void>,
    isRetention = false,
  ): Promise<DeletedCounts> => {
    let deletion!: Deletion;
    await write(function* () {
      deletion = new Deletion(statements, erasureStatements);
      yield* toSteps(() => work(deletion));
      deletion.finish();
      scrub.markDue(deletion.counts.logs, isRetention);
    });
    if (deletion.ids.length > 0) onDeleted(deletion.ids);
    return deletion.counts;
  };

  const newestLog = () => erasureStatements.findNewestLog.get()!['key']!;

  const eraseGroups = async (
    toErase: readonly Group[],
    { isEnough = () => false, hurry = () => 0, isRetention = false }: Manner = {},
  ): Promise<DeletedCounts> => {
    let counts = NOTHING_DELETED;
    let newest = Number(newestLog());
    for (let [at, from] = [0, 0]; at < toErase.length; ) {
      let [next, place] = [at, from];
      let needsPreparation = false;
      const haste = hurry();
      const written = Number(newestLog()) - newest;
      newest += written;
      const least = Math.min(haste * HURRIED_LOGS * written, MAX_HURRIED_LOGS);
      const slice = await erase(function* (deletion) {
        // A transaction that fails is perhaps tried again.
        [next, place] = [at, from];
        needsPreparation = false;
        let unlinked = 0;
        const end = performance.now() + SLICE_MILLIS;
        const most = isSpaceShort() ? SHORT_LOGS : Number.POSITIVE_INFINITY;
        const isOver = () => {
          const changed = deletion.counts.logs + unlinked;
          return changed >= most || (changed >= least && performance.now() >= end);
        };
        while (next < toErase.length && !isOver()) {
          const { isThere, list, after } = toErase[next]!;
          const isGone = isThere?.() === false;
          const listed = isGone ? NO_KEYS : list(PORTION, place);
          if (!listed) {
            needsPreparation = true;
            break;
          }
          place = listed.place;
          for (const key of listed.keys) {
            let children: number;
            do {
              children = deletion.unlinkChildren(key);
              unlinked += children;
              yield;
              // There may be so many that they alone are too much for one slice.
            } while (children === CHANGED_AT_ONCE && !isOver());
            if (children === CHANGED_AT_ONCE) break;
            deletion.deleteLog(key);
            if (isOver()) break;
            yield;
          }
          if (listed.keys.length > 0) continue;
          if (!isGone && after?.(deletion) === false) {
            yield;
            continue;
          }
          next = isEnough() ? toErase.length : next + 1;
          place = 0;
        }
        deletion.isInterrupted = next < toErase.length;
      }, isRetention);
      [at, from] = [next, place];
      counts = addCounts(counts, slice);
      if (needsPreparation) await toErase[at]!.prepare?.();
      if (at < toErase.length) await pause(PAUSE_MILLIS * (1 - haste));
    }
    return counts;
  };

  /** The key of what was deleted is given to the next one that is stored. Of a row with `key` and `id`. */
  const isStill = (findById: SqliteStatement, row: SqliteRow) => (): boolean =>
    findById.get(row['id']!)?.['key'] === row['key'];

  const findSummary = (selector: SessionSelector): Group | undefined => {
    const isById = 'id' in selector;
    const name = isById ? selector.id : storableText(selector.referenceId);
    const session = (isById ? statements.findSessionById : statements.findSessionByReference).get(name);
    if (session) return groups.ofSummary(session['key']!, newestLog(), isStill(statements.findSessionById, session));
    const tree = (isById ? erasureStatements.findTreeById : erasureStatements.findTreeByReference).get(name);
    return tree && groups.ofSummary(-Number(tree['key']), newestLog(), isStill(erasureStatements.findTreeById, tree));
  };

  return {
    deleteLogs: (ids) => eraseGroups(ids.map(groups.ofLog)),

    deleteSession: async (selector) => {
      const group = findSummary(selector);
      return group && eraseGroups([group]);
    },

    deleteProject: async (selector) => {
      const isById = 'id' in selector;
      const project = isById
        ? statements.findProjectById.get(selector.id)
        : statements.findProjectByName.get(storableText(selector.name));
      if (!project) return undefined;
      const key = project['key']!;
      const newest = newestLog();
      return eraseGroups([groups.ofProject(key, newest, isStill(statements.findProjectById, project))]);
    },

    deleteLogsOfUser: async (givenUser) => {
      const user = storableText(givenUser);
      const needle = JSON.stringify(user).slice(1, -1);
      const newest = Number(newestLog());
      let counts = NOTHING_DELETED;
      for (let from = 0; from < newest; from += SCANNED_KEYS) {
        const rows = await reader.all(LIST_METADATA_WITH, [from, Math.min(from + SCANNED_KEYS, newest), needle]);
        const found = rows.filter((row) => listUsers(parseJson(row['metadata'] as string)).includes(user));
        counts = addCounts(counts, await eraseGroups(found.reverse().map(({ id }) => groups.ofLog(id!))));
      }
      for (;;) {
        const feedback = keysOf(await reader.all(LIST_FEEDBACK_OF_USER, [user]));
        if (feedback.length === 0) return counts;
        await erase((deletion) => deletion.deleteFeedback(feedback, user));
      }
    },

    deleteOldest: (summaries, isEnough, hurry) => {
      const newest = newestLog();
      const oldest = summaries.map(({ key, updated_at }) =>
        groups.ofSummary(key!, newest, () => erasureStatements.isUnchanged.get(key!, updated_at!) !== undefined),
      );
      return eraseGroups(oldest, { isEnough, hurry, isRetention: true });
    },

    deleteEmptySessions: async (olderThan) => {
      const rows = await reader.all(LIST_EMPTY_SESSIONS, [olderThan]);
      const empty = rows.map((row) => groups.ofSummary(row['key']!, 0, isStill(statements.findSessionById, row)));
      return eraseGroups(empty, { isRetention: true });
    },
  };
}

interface Manner {
  readonly isEnough?: () => boolean;
  readonly hurry?: () => number;
  readonly isRetention?: boolean;
}
