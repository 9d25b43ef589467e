/** The connections to a PostgreSQL database: two pools, which of their errors may pass, and pipelined statements. */
import type { Writable } from 'node:stream';
import type pg from 'pg';
import { HumanloopError } from '../../../../errors.ts';
import { loadInstalled } from '../../../../load-module.ts';
import { toTimestamp } from '../../timestamps.ts';
import { NO_LIMITS, withSettings } from './session-settings.ts';
import { endStandbys, withReports } from './standbys.ts';

const WRITE_CONNECTIONS = 4;
const READ_CONNECTIONS = 8;
const STATEMENT_MILLIS = 10_000;
/** Without an answer for so long, a connection is given up: the server's machine may be gone. */
const SILENCE_MILLIS = 12_000;
/** For a connection to be free, or made. */
const WRITE_WAIT_MILLIS = 2_000;
const READ_WAIT_MILLIS = 5_000;
/** A connection keeps the statements that it has prepared, of which each day has its own. */
const MAX_LIFETIME_SECONDS = 6 * 60 * 60;

export type Value = string | number | boolean | null | Uint8Array | readonly unknown[];
/** Times are texts in the form of `toTimestamp`, days are `2026-01-31`, and bigint is a number. */
export type Row = Record<string, unknown>;

export interface Statement {
  readonly text: string;
  readonly values?: readonly Value[];
  /** Prepared once in a connection where it is given. */
  readonly name?: string;
  /** In place of `SILENCE_MILLIS`, for what goes through all of the data. */
  readonly query_timeout?: number;
}

/** For migrations, and what an administrator asks for. */
export const LONG_MILLIS = 24 * 60 * 60 * 1000;

export interface Connections {
  readonly writes: pg.Pool;
  readonly reads: pg.Pool;
  close(): Promise<void>;
}

/** `onLost` is called when a connection breaks. @throws {HumanloopError} if `pg` is not installed. */
export function connect(url: string, onLost: () => void): Connections {
  const { Pool, Client } = loadDriver();
  const { address, isPooled } = readAddress(url);
  const open = (max: number, waitMillis: number): pg.Pool => {
    const pool = new Pool({
      connectionString: address,
      max,
      ...{ pipeline: true, keepAlive: true, application_name: 'humanloop-otel' },
      ...{
        connectionTimeoutMillis: waitMillis,
        query_timeout: SILENCE_MILLIS,
        maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
      },
      Client: isPooled ? withSettings(withoutNames(Client), true) : withReports(withSettings(Client, false)),
      ...(!isPooled && { statement_timeout: STATEMENT_MILLIS, idle_in_transaction_session_timeout: 15_000 }),
      types: { getTypeParser: getTypeParser as pg.CustomTypesConfig['getTypeParser'] },
    } as pg.PoolConfig);
    // Both report a broken connection, which must not end the process. The statement that needs it fails.
    pool.on('error', onLost);
    pool.on('connect', (client) => client.on('error', onLost));
    return pool;
  };
  const [writes, reads] = [open(WRITE_CONNECTIONS, WRITE_WAIT_MILLIS), open(READ_CONNECTIONS, READ_WAIT_MILLIS)];
  endStandbys([writes, reads], onLost);
  return { writes, reads, close: async () => void (await Promise.all([writes.end(), reads.end()])) };
}

/**
 * `pgbouncer=true` in an address, as other clients have it too: behind it is a pooler that gives each transaction another
 * connection. It knows no settings of a session, and no statements that another transaction has prepared.
 */
function readAddress(url: string): { address: string; isPooled: boolean } {
  const address = new URL(url);
  const isPooled = address.searchParams.get('pgbouncer') === 'true';
  address.searchParams.delete('pgbouncer');
  return { address: isPooled ? address.href : url, isPooled };
}

function withoutNames(Client: typeof pg.Client): typeof pg.Client {
  return class extends (Client as unknown as AnyClient) {
    override query(statement: unknown, ...rest: unknown[]): unknown {
      const isNamed = typeof statement === 'object' && statement !== null && 'name' in statement;
      return super.query(isNamed ? { ...statement, name: undefined } : statement, ...rest);
    }
  } as unknown as typeof pg.Client;
}

type AnyClient = new (...parameters: unknown[]) => { query(...parameters: unknown[]): unknown };

function loadDriver(): typeof pg {
  try {
    return loadInstalled('pg') as typeof pg;
  } catch (cause) {
    throw new HumanloopError('a PostgreSQL database needs the package pg: npm install pg@8', { cause });
  }
}

const [INT8, DATE, TIMESTAMPTZ] = [20, 1082, 1184];

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8) return Number;
  if (oid === DATE) return String;
  if (oid === TIMESTAMPTZ) return fromSqlTime;
  driverTypes ??= loadDriver().types;
  return driverTypes.getTypeParser(oid, format as 'text');
}

let driverTypes: typeof pg.types | undefined;

/** PostgreSQL has no year 0: what others call so is the year 1 before Christ. */
export function toSqlTime(timestamp: string): string {
  return timestamp.startsWith('0000-') ? `0001${timestamp.slice(4)} BC` : timestamp;
}

/** `2026-01-31 12:00:00.5+00`, as it is written where sessions are in UTC: it is read for each log. */
function fromSqlTime(text: string): string {
  if (text.endsWith('+00') && text[10] === ' ') {
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(6, '0')}Z`;
  }
  const parsed = text.endsWith(' BC') ? text.slice(0, -3).replace(/^0001/, '0000') : text;
  return toTimestamp(parsed.replace(' ', 'T')) ?? text;
}

/** Works with one connection, which reads that belong together need only wait for once. */
export async function withConnection<Result>(
  pool: pg.Pool,
  work: (client: pg.ClientBase) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let isSpoiled = true;
  try {
    const result = await work(client);
    isSpoiled = false;
    return result;
  } catch (error) {
    // After most errors of a statement the connection is as good as before.
    isSpoiled = !isSqlError(error) || isSpent(error);
    throw error;
  } finally {
    client.release(isSpoiled);
  }
}

/** Ends a connection at once: what it is asked for fails. The driver's own `end` waits for that. */
export function breakOff(client: pg.ClientBase): void {
  connectionOf(client).stream?.destroy();
}

/** A pool has none of its own. */
function connectionOf(client: pg.ClientBase | pg.Pool): { readonly stream?: Writable } {
  return (client as { connection?: { stream: Writable } }).connection ?? {};
}

/** One write to the socket for all that `send` sends before it returns. */
export function sendAtOnce<Result>(client: pg.ClientBase | pg.Pool, send: () => Result): Result {
  const { stream } = connectionOf(client);
  stream?.cork();
  try {
    return send();
  } finally {
    stream?.uncork();
  }
}

/**
 * Sends all of the statements at once, and resolves to the rows of each. Rejects with the error of the first that fails,
 * once all are answered.
 */
export async function pipelined(
  client: pg.ClientBase | pg.Pool,
  statements: readonly Statement[],
): Promise<pg.QueryResult<Row>[]> {
  return allDone(sendAll(client, statements));
}

/**
 * As `pipelined`, with a commit behind the statements, which is sent before they are answered: if one of them fails, the
 * database answers it as a rollback. Not where the driver could not send one of them, of which the database knows nothing.
 */
export async function pipelinedTo(
  sendCommit: () => Promise<void>,
  client: pg.ClientBase,
  statements: readonly Statement[],
): Promise<pg.QueryResult<Row>[]> {
  const { stream } = connectionOf(client);
  // All of it is one write to the socket.
  stream?.cork();
  let done: readonly [Promise<pg.QueryResult<Row>[]>, Promise<void> | undefined];
  try {
    const sent = sendAll(client, statements);
    let hasFailed = false;
    for (const each of sent) {
      each.catch(() => {
        hasFailed = true;
      });
    }
    // The driver reports some of its faults a tick later, and its promises take steps to be rejected.
    for (let tick = 0; tick < 2; tick += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
    done = [allDone(sent), hasFailed ? undefined : sendCommit()];
  } finally {
    stream?.uncork();
  }
  return (await allDone(done))[0];
}

function sendAll(client: pg.ClientBase | pg.Pool, statements: readonly Statement[]): Promise<pg.QueryResult<Row>>[] {
  return sendAtOnce(client, () => statements.map((statement) => client.query<Row>(statement as pg.QueryConfig)));
}

/** Resolves or rejects when all of them are done, so that nothing is on its way then: with the first error. */
export async function allDone<const Sent extends readonly unknown[]>(
  sent: Sent,
): Promise<{ -readonly [Index in keyof Sent]: Awaited<Sent[Index]> }> {
  const answers = await Promise.allSettled(sent);
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed) throw failed.reason;
  return answers.map((answer) => (answer as PromiseFulfilledResult<unknown>).value) as never;
}

/** Reads what may have to go through all of the data. */
export async function readLong(pool: pg.Pool, text: string, values: readonly Value[] = []): Promise<Row[]> {
  return withConnection(pool, async (client) => {
    const [, result] = await pipelined(client, [
      { text: `BEGIN READ ONLY; ${NO_LIMITS}` },
      { text, values, query_timeout: LONG_MILLIS },
      { text: 'COMMIT', query_timeout: LONG_MILLIS },
    ]);
    return result!.rows;
  });
}

/** Thrown by `commit`: after an error within the transaction it is answered as a rollback, and without an error. */
export class NotCommitted extends Error {}

export async function commit(client: pg.ClientBase): Promise<void> {
  const { command } = await client.query('COMMIT');
  if (command !== 'COMMIT') throw new NotCommitted(`the transaction was not committed: ${command}`);
}

/** Gives the connection back: one whose state is not known for sure is closed. */
export async function rollBack(client: pg.PoolClient, error: unknown): Promise<void> {
  if (isSpent(error)) return client.release(true);
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}

/**
 * Codes of what may succeed when it is done again: conflicts, time-outs, no memory or connection, a server that stops,
 * starts, or has become a standby, and, on Citus, XX000, where a worker went away.
 */
const REPEATABLE = /^(40001|40P01|55P03|57014|57P0[1-5]|25P0[34]|08...|53[23]00|25006|XX000)$/;
/** The server ends the connection, also for a time in which nothing was asked, or for a transaction that took too long. */
const ENDED = /^(57P0[1-5]|25P0[34]|08...)$/;
const READ_ONLY = '25006';

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function isSqlError(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(codeOf(error) ?? '') && (error as { severity?: unknown }).severity !== undefined;
}

/** Whether the driver lost its connection, or got none: its errors have no SQLSTATE. */
export function isLostConnection(error: unknown): boolean {
  if (isSqlError(error)) return ENDED.test(codeOf(error)!);
  if (!(error instanceof Error) || error instanceof HumanloopError) return false;
  if (/^E[A-Z]+$/.test(codeOf(error) ?? '')) return true;
  return /connection|timeout|not queryable|Client was closed/i.test(error.message);
}

/** Whether there was a connection, and is none. Not where none was free in time. */
export function hasBroken(error: unknown): boolean {
  return isLostConnection(error) && !/exceeded when trying to connect/.test((error as Error).message);
}

/** Whether another connection is needed: the address of one that leads to a standby may lead to the new primary by now. */
function isSpent(error: unknown): boolean {
  return isLostConnection(error) || codeOf(error) === READ_ONLY;
}

export function isRepeatable(error: unknown): boolean {
  return isSqlError(error) ? REPEATABLE.test(codeOf(error)!) : isLostConnection(error);
}
