/**
 * Sessions of which a log or feedback was deleted: their filters and texts are cleared, and all of their logs marked, to be
 * indexed again. A session may have very many logs, and nobody else can write meanwhile: so this goes on in the next
 * transaction where it has stopped in the one before.
 *
 * The mark of a session that is under way is replaced by one that is `UNDER_WAY` further from zero. So the session begins
 * again where more of it is deleted, which marks it again, and where the process ends. The time at which it is due is then
 * a number of its own, long ago: it comes first, and who works on it knows whether another process has begun it again.
 */
import { randomInt } from 'node:crypto';
import type { SqliteValue } from '../../../../sqlite/open.ts';
import type { ViewerStatements } from '../viewer/viewer-statements.ts';

/** Above every key. */
const UNDER_WAY = 2 ** 50;
/** `randomInt` has no larger range than twice that. */
const MAX_NUMBER = 2 ** 47;

interface Reset {
  /** Of the summary. */
  readonly key: number;
  readonly dueAt: number;
  hasFacets: boolean;
  /** Time and key of the last log that was marked. */
  place: readonly [time: SqliteValue, key: SqliteValue];
}

export interface SessionResets {
  /** Works on due sessions until that time, by `performance.now()`. Returns those that it has begun, and all that it has changed. */
  run(end: number): { readonly begun: ReadonlySet<SqliteValue>; readonly changed: ReadonlySet<SqliteValue> };
  /** Must be called where the transaction of the last call was undone. */
  restart(): void;
}

export function createSessionResets(statements: ViewerStatements): SessionResets {
  let current: Reset | undefined;

  const begin = (key: number): Reset => {
    statements.clearTexts.run({ key });
    return { key, dueAt: -randomInt(1, MAX_NUMBER), hasFacets: true, place: ['', 0] };
  };

  /** Returns whether there is nothing left to do. */
  const advance = (reset: Reset): boolean => {
    if (reset.hasFacets) {
      reset.hasFacets = Number(statements.clearFacets.run(reset.key).changes) > 0;
      return false;
    }
    const logs = statements.listLogsToMark.all(reset.key, ...reset.place);
    for (const { key } of logs) statements.markLog.run(key!);
    const last = logs.at(-1);
    if (!last) return true;
    reset.place = [last['created_at']!, last['key']!];
    statements.raiseEnd.run(reset.key, Math.max(...logs.map(({ ended_at }) => Number(ended_at))));
    return false;
  };

  return {
    run: (end) => {
      const [begun, changed] = [new Set<SqliteValue>(), new Set<SqliteValue>()];
      for (const { key: mark, due_at: dueAt } of statements.listDueSessions.all(Date.now())) {
        const isUnderWay = Math.abs(Number(mark)) > UNDER_WAY;
        const key = isUnderWay ? Number(mark) - toDistance(mark!) : Number(mark);
        if (isUnderWay && statements.isSessionMarked.get(key)) {
          // More of it was deleted: it begins again when that is due.
          statements.unmarkSession.run(mark!);
          if (current?.key === key) current = undefined;
          continue;
        }
        const isKnown = isUnderWay && current?.key === key;
        // What was done before is undone. In steps, each process would undo what the other does, without end.
        const isShared = isKnown && current?.dueAt !== Number(dueAt);
        if (!current || !isKnown || isShared) {
          current = begin(key);
          begun.add(key);
        }
        changed.add(key);
        let [isDone, isLate] = [false, false];
        while (!isDone && (isShared || !isLate)) [isDone, isLate] = [advance(current), performance.now() > end];
        statements.unmarkSession.run(mark!);
        if (isDone) {
          statements.writeRank.run(key);
          current = undefined;
        } else statements.markSession.run(key + toDistance(key), current.dueAt);
        if (isLate) break;
      }
      return { begun, changed };
    },
    restart: () => {
      current = undefined;
    },
  };
}

/** From a key, which is below zero for a log in no session, to its mark. */
function toDistance(key: SqliteValue): number {
  return Math.sign(Number(key)) * UNDER_WAY;
}
