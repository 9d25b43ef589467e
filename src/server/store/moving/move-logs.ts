/**
 * Moves logs in the order in which they came, a portion in each transaction: with references, words, feedback, filters,
 * and the sums of their sessions. Servers may write to the database meanwhile. Logs that are there already, or whose
 * reference is that of another log there, are passed over, so that nothing is counted twice.
 */
import type pg from 'pg';
import { HumanloopError } from '../../../errors.ts';
import type { SqliteRow } from '../../../sqlite/open.ts';
import { type TurnWords, Vocabulary } from '../postgres/search/vocabulary.ts';
import { insertWords, type LogWords } from '../postgres/search/word-rows.ts';
import { pipelined, type Row, type Statement, type Value } from '../postgres/tables/connection.ts';
import { inLockOrder, insertRows } from '../postgres/tables/insert-rows.ts';
import { type Key, referenceKey, toKeyed, type Uuid } from '../postgres/tables/keys.ts';
import { byPlaces, findLogs, findReferences } from '../postgres/tables/lookups.ts';
import { Merges, type TurnMerges } from '../postgres/tables/merges.ts';
import { isProjectGone, toKeepProjects } from '../postgres/tables/project-locks.ts';
import { RepeatTurn } from '../postgres/tables/repeat-turn.ts';
import { insertFeedback } from '../postgres/writing/feedback-writes.ts';
import { REFERENCES } from '../postgres/writing/reference-writes.ts';
import { logIdOf, looseKey, sessionKeys } from './ids.ts';
import { MOVED_LOGS, type MovedLog, toMovedLog, toMovedValues, wordsOfMoved } from './moved-log.ts';
import { MovedSessions } from './moved-sessions.ts';
import type { Source } from './source.ts';
import type { Target } from './target.ts';

/** `onProgress` gets the number of logs that were written. */
export async function moveLogs(
  source: Source,
  target: Target,
  projects: ReadonlyMap<string, number>,
  onProgress: (logs: number) => void,
): Promise<void> {
  const merges = new Merges();
  const vocabulary = new Vocabulary(target.connections.writes, target.layout);
  const read = (after: number) => toPortion(source, source.logsAfter(after), projects);
  for (let portion = read(target.place.logs); portion.logs.length > 0; ) {
    const { lastKey, logs } = portion;
    let next: Portion | undefined;
    // Read while the database writes.
    const readNext = () => {
      next ??= read(lastKey);
    };
    await target.makePartitions(logs.map(({ place }) => place.day));
    const words = vocabulary.ofTurn();
    await target.write({ ...target.place, logs: lastKey }, (client) =>
      writePortion(client, { target, merges: merges.ofTurn(), words, portion, readNext }),
    );
    await words.flush();
    onProgress(logs.length);
    portion = next ?? read(lastKey);
  }
  await vocabulary.flush();
}

interface Portion {
  readonly lastKey: number;
  readonly logs: readonly MovedLog[];
  /** Where each log is shown, and of those in no session, what decides it. */
  readonly groups: ReadonlyMap<MovedLog, Group>;
}

/** A log in no session belongs to that of the log at its top, or waits for its parent. */
type Group = { readonly key: Key } | { readonly awaits: string };

function toPortion(source: Source, rows: readonly SqliteRow[], projects: ReadonlyMap<string, number>): Portion {
  const groups = new Map<MovedLog, Group>();
  const logs = rows.map((row) => {
    const feedback = source.statements.listFeedback.all(row['key']!);
    const log = toMovedLog(row, feedback, projects.get(row['project_id'] as string)!);
    groups.set(log, row['session_id'] === null ? groupOf(source.statements.findTop.get(row['key']!)!) : inSession(row));
    return log;
  });
  return { lastKey: Number(rows.at(-1)?.['key'] ?? 0), logs, groups };
}

function inSession(row: SqliteRow): Group {
  return sessionKeys(row['session_id'] as string, row['session_reference_id'] as string | null);
}

function groupOf(top: SqliteRow): Group {
  if (top['session_id'] !== null) return inSession(top);
  const awaited = top['parent_reference_id'] as string | null;
  if (awaited !== null && top['named_key'] === null) return { awaits: awaited };
  const reference = top['reference_id'] as string | null;
  return {
    key:
      reference === null
        ? looseKey(logIdOf(top['id'] as string, top['updated_at'] as string))
        : referenceKey(reference),
  };
}

interface PortionWrite {
  readonly target: Target;
  readonly merges: TurnMerges;
  readonly words: TurnWords;
  readonly portion: Portion;
  /** Called when the most is sent. */
  readonly readNext: () => void;
}

/** Servers may delete a project that was there when the move began. */
async function keepProjects(client: pg.ClientBase, logs: readonly MovedLog[]): Promise<void> {
  try {
    await pipelined(client, toKeepProjects(logs.map(({ project }) => ({ project: { key: project } }))));
  } catch (error) {
    if (!isProjectGone(error)) throw error;
    throw new HumanloopError('a project was deleted while its logs were moved: run humanloop-otel migrate again');
  }
}

async function writePortion(client: pg.ClientBase, write: PortionWrite): Promise<void> {
  const { target, merges, portion, readNext } = write;
  const { layout } = target;
  await keepProjects(client, portion.logs);
  const arrived = await findArrived(client, portion);
  const { fresh, merged } = await writeReferences(client, target, portion, arrived);
  const sessions = new MovedSessions(layout, merges);
  const rows: { bucket: number; key: string; log: Value[] }[] = [];
  const words: LogWords[] = [];
  for (const log of fresh) {
    const { bucket, id } = log.place;
    const group = portion.groups.get(log)!;
    const session = 'key' in group ? group.key : (arrived.get(group.awaits) ?? referenceKey(group.awaits));
    rows.push({ bucket, key: id, log: toMovedValues(log, session) });
    words.push({ id, session: session.key, words: wordsOfMoved(log, write.words.add), isAdded: false });
    sessions.add(session, log);
    const own = log.referenceId === null ? undefined : merged.get(log.referenceId);
    if (own) sessions.join(own, session);
  }
  const ordered = inLockOrder(rows, layout, (row) => row);
  const entries = fresh.flatMap((log) => log.feedback.map((entry) => ({ logId: log.place.id, entry })));
  const statements: Statement[] = [
    ...insertRows(
      MOVED_LOGS,
      ordered.map(({ log }) => log),
      layout,
    ),
    ...insertWords(words, layout),
    ...insertFeedback(entries, layout),
  ];
  const writing = pipelined(client, statements);
  readNext();
  await writing;
  // Before the commit: a move that is ended after it does not come here again.
  await write.words.write();
  await sessions.write(client);
}

/** Resolves to the sessions of parents that are awaited in the file, and that the database has. */
async function findArrived(client: pg.ClientBase, { logs, groups }: Portion): Promise<Map<string, Key>> {
  const awaited = new Set(logs.flatMap(({ awaits }) => awaits ?? []));
  for (const group of groups.values()) if ('awaits' in group) awaited.add(group.awaits);
  const ids = await findReferences(client, awaited);
  const found = await findLogs(client, ids.values());
  const sessions = new Map<string, Key>();
  for (const [reference, id] of ids) {
    const session = found.get(id)?.session;
    if (session !== undefined) sessions.set(reference, toKeyed(session));
  }
  return sessions;
}

/** Resolves to the logs that are not there yet, and the sessions under which others have waited for them. */
async function writeReferences(
  client: pg.ClientBase,
  target: Target,
  { logs, groups }: Portion,
  arrived: ReadonlyMap<string, Key>,
) {
  const rows = new Map<Uuid, { bucket: number; key: Uuid; awaited: boolean; log?: MovedLog }>();
  for (const group of groups.values()) {
    if ('awaits' in group && !arrived.has(group.awaits)) {
      const key = referenceKey(group.awaits);
      rows.set(key.key, { ...key, awaited: true });
    }
  }
  for (const log of logs) {
    if (log.referenceId === null) continue;
    const key = referenceKey(log.referenceId);
    rows.set(key.key, { ...key, awaited: false, log });
  }
  const values = inLockOrder(rows.values(), target.layout, (row) => row).map(
    ({ bucket, awaited, key, log }): Value[] => [...[bucket, awaited, key, log?.place.id ?? null]],
  );
  const present = byPlaces(
    { name: 'moved logs', columns: 'id', table: 'logs' },
    logs.map(({ place }) => place.id),
  )!;
  const [there, ...results] = await pipelined(client, [present, ...insertRows(REFERENCES, values, target.layout)]);
  const passed = new Set(there!.rows.map((row) => row['id'] as string));
  const merged = new Map<string, Key>();
  for (const { reference, awaited, log_id: id } of results.flatMap(
    ({ rows: found }) => found,
  ) as unknown as ReferenceRow[]) {
    const { log } = rows.get(reference)!;
    if (!log) {
      if (id !== null) throw new RepeatTurn('an awaited log has come');
    } else if (id !== log.place.id) passed.add(log.place.id);
    else if (awaited) merged.set(log.referenceId!, toKeyed(reference));
  }
  return { fresh: logs.filter(({ place }) => !passed.has(place.id)), merged };
}

interface ReferenceRow extends Row {
  reference: Uuid;
  awaited: boolean;
  log_id: string | null;
}
