/** The logs of given sessions that have the words of a term: few are looked through, in place of all logs with a word. */
import type pg from 'pg';
import { type Conditions, keepWanted } from '../reading/session-list.ts';
import { pipelined, type Row, type Value, withConnection } from '../tables/connection.ts';
import { nextDay } from '../tables/identifiers.ts';
import type { Uuid } from '../tables/keys.ts';
import { type FoundSession, findCurrentSessions } from '../tables/lookups.ts';
import { isMissingTable, tableOf } from '../tables/partitions.ts';
import { whereKeys } from '../tables/row-keys.ts';
import type { DayRange, Hits } from './word-hits.ts';
import { wordRowsOf } from './word-rows.ts';
import type { Term } from './word-terms.ts';

const MAX_FEW = 500;
/** In all of them: one session may have as many logs as others together. */
const MAX_LOGS = 5_000;
const SESSIONS_AT_ONCE = 100;
/** Of a key and a bucket of one session: one that very many were merged into has far more of them than logs. */
const MAX_PAIRS = 1_000;
/** Of sessions of very many days, the tables of all would be planned, and locked, for longer than a statement may take. */
const DAYS_AT_ONCE = 32;
/** Of which one connection waits for once. */
const STATEMENTS_AT_ONCE = 32;

/** Resolves to the sessions that meet the conditions, where one of these alone is met by few; else to `undefined`. */
export async function findFewSessions(pool: pg.Pool, conditions: Conditions): Promise<FoundSession[] | undefined> {
  if (conditions.lists.length === 0) return undefined;
  const statements = conditions.lists.map(({ sql, value }) => ({
    text: `${sql} LIMIT ${MAX_FEW + 1}`,
    values: [value],
  }));
  const lists = await withConnection(pool, (client) => pipelined(client, statements));
  const [fewest] = lists.map(({ rows }) => rows).sort((first, second) => first.length - second.length);
  if (!fewest || fewest.length > MAX_FEW) return undefined;
  const keys = await keepWanted(
    pool,
    fewest.map((row) => row['session'] as Uuid),
    conditions,
  );
  const sessions = [...new Set((await findCurrentSessions(pool, keys)).values()).values()];
  const logs = sessions.reduce((sum, session) => sum + session.logs, 0);
  if (logs > MAX_LOGS) return undefined;
  // Those that are read together are of few days, whose tables are asked for each of them.
  return sessions.sort((first, second) => (first.firstDay < second.firstDay ? -1 : 1));
}

/** Of the logs before an id. */
export async function readHitsOf(
  pool: pg.Pool,
  sessions: readonly FoundSession[],
  term: Term,
  before: string,
): Promise<Hits> {
  const hits: { id: string; session: Uuid }[] = [];
  for (let at = 0; at < sessions.length; at += SESSIONS_AT_ONCE) {
    const found = await findLogsOfTerms(pool, sessions.slice(at, at + SESSIONS_AT_ONCE), [term]);
    for (const [session, [ids]] of found) for (const id of ids!) if (id < before) hits.push({ id, session });
  }
  return { rows: hits.sort((first, second) => (first.id < second.id ? 1 : -1)), isWhole: true };
}

/** Resolves to the ids of the logs that have the words of each term, by the session that they are stored under. */
export async function findLogsOfTerms(
  pool: pg.Pool,
  sessions: readonly FoundSession[],
  terms: readonly Term[],
): Promise<Map<Uuid, string[][]>> {
  const found = new Map<Uuid, string[][]>();
  const statements = [...groupByDays(sessions)].flatMap((some) => toStatements(some, terms));
  for (let at = 0; at < statements.length; at += STATEMENTS_AT_ONCE) {
    for (const { rows } of await readAll(pool, statements.slice(at, at + STATEMENTS_AT_ONCE))) {
      for (const row of rows) {
        const ids = terms.map((_, index) => (row[`found_${index}`] as string[] | null) ?? []);
        const before = found.get(row['session'] as Uuid);
        found.set(row['session'] as Uuid, before ? ids.map((each, index) => [...before[index]!, ...each]) : ids);
      }
    }
  }
  return found;
}

/** A session of one day, as most are, is in one table: with those of other days, the tables of all would be planned. */
function groupByDays(sessions: readonly FoundSession[]): Iterable<FoundSession[]> {
  const groups = new Map<unknown, FoundSession[]>();
  for (const session of sessions) {
    const isOneDay = session.firstDay === session.lastDay;
    const name = hasManyPairs(session) ? session : isOneDay ? session.firstDay : 'several days';
    const group = groups.get(name);
    if (group) group.push(session);
    else groups.set(name, [session]);
  }
  return groups.values();
}

/** One for so many days as may be asked at once. */
function toStatements(sessions: readonly FoundSession[], terms: readonly Term[]): DatedStatement[] {
  const days = sessions.flatMap(({ firstDay, lastDay }) => [firstDay, lastDay]).sort();
  const [earliest, latest] = [days[0]!, days.at(-1)!];
  const statements: DatedStatement[] = [];
  for (let first = earliest; first <= latest; first = nextDay(first, DAYS_AT_ONCE)) {
    const last = [latest, nextDay(first, DAYS_AT_ONCE - 1)].sort()[0]!;
    statements.push(toStatement(sessions, terms, { first, last }));
  }
  return statements;
}

/** Of days whose tables are gone, nothing is found in those of all days. */
async function readAll(pool: pg.Pool, statements: readonly DatedStatement[]): Promise<pg.QueryResult<Row>[]> {
  const read = (toText: (statement: DatedStatement) => string) =>
    withConnection(pool, (client) =>
      pipelined(
        client,
        statements.map((statement) => ({ text: toText(statement), values: statement.values })),
      ),
    );
  try {
    return await read(({ text }) => text);
  } catch (error) {
    if (!isMissingTable(error)) throw error;
    return read(({ ofAllDays }) => ofAllDays);
  }
}

interface DatedStatement {
  /** On the table of its day, where it is of one. */
  readonly text: string;
  readonly ofAllDays: string;
  readonly values: readonly Value[];
}

function toStatement(sessions: readonly FoundSession[], terms: readonly Term[], days: DayRange): DatedStatement {
  const values: Value[] = [];
  const add = (value: Value): string => `$${values.push(value)}`;
  const parts = terms.map(({ words, beginnings }, index) => {
    const conditions = [`part.words @> ${add(words)}::int4[]`];
    if (beginnings) conditions.push(`part.words && ${add(beginnings)}::int4[]`);
    return `array_agg(DISTINCT log.id ORDER BY log.id) FILTER (WHERE ${conditions.join(' AND ')}) AS found_${index}`;
  });
  const within = (table: string) => `${table}.day BETWEEN ${add(days.first)}::date AND ${add(days.last)}::date`;
  const conditions = `${whereLogsOf(sessions, values)} AND ${within('log')} AND ${within('part')}`;
  const toText = (toTable: (table: string) => string) =>
    `SELECT log.session, ${parts.join(', ')} FROM ${toTable('logs')} AS log JOIN ${toTable('log_words')} AS part
      ON part.day = log.day AND part.bucket = log.bucket AND part.id IN ${wordRowsOf('log.id')}
      WHERE ${conditions} GROUP BY log.session`;
  const ofAllDays = toText((table) => table);
  const text = days.first === days.last ? toText((table) => tableOf(table, days.first)) : ofAllDays;
  return { text, ofAllDays, values };
}

/** A log may be in any bucket of its session, see `SessionWrites.widen`. */
function whereLogsOf(sessions: readonly FoundSession[], values: Value[]): string {
  const [only] = sessions;
  if (only && hasManyPairs(only)) {
    values.push([...new Set(only.buckets)], only.keys);
    return `log.bucket = ANY($${values.length - 1}::smallint[]) AND log.session = ANY($${values.length}::uuid[])`;
  }
  const pairs = sessions.flatMap(({ keys, buckets }) =>
    keys.flatMap((key) => [...new Set(buckets)].map((bucket) => ({ bucket, key }))),
  );
  return whereKeys('log.bucket, log.session', pairs, values).sql;
}

function hasManyPairs({ keys, buckets }: FoundSession): boolean {
  return keys.length * buckets.length > MAX_PAIRS;
}
