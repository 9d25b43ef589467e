/** Reads one log or one session by its key, either of which may be large. */
import type { SqliteRow, SqliteStatement, SqliteValue } from '../../../sqlite/open.ts';
import type { SqliteReader } from '../../../sqlite/reader-threads.ts';
import type { LogResponse } from '../../../wire/v4.ts';
import { nextHeavyTurn } from '../heavy-turns.ts';
import { createOneAtATime } from '../one-at-a-time.ts';
import { prepareConfig } from '../rows/config-response.ts';
import { toLogResponse } from '../rows/log-row.ts';
import type { SessionResponse } from '../store.ts';
import { toSession } from './container-row.ts';
import { READ_LOG, READ_SESSION, type Statements } from './writing/statements.ts';

const LARGE_BYTES = 256 * 1024;

export interface SingleReads {
  readonly readLog: (key: SqliteValue) => Promise<LogResponse | undefined>;
  readonly readSession: (key: SqliteValue) => Promise<SessionResponse | undefined>;
  /** Their rows, as pages read them. */
  readonly readLogRow: ReadRow;
  readonly readSessionRow: ReadRow;
}

type ReadRow = (key: SqliteValue) => Promise<SqliteRow | undefined>;

export function createSingleReads(reads: Statements, reader: SqliteReader): SingleReads {
  // Each is in memory twice, and rows that arrive together are one turn.
  const [alone, readAlone] = [createOneAtATime(), createOneAtATime()];
  const isLargeSession = (key: SqliteValue) => Number(reads.sizeOfSession.get(key)?.['bytes'] ?? 0) > LARGE_BYTES;
  const readRow =
    (isLargeRow: (key: SqliteValue) => boolean, sql: string, statement: SqliteStatement): ReadRow =>
    async (key) =>
      isLargeRow(key) ? (await readAlone(() => reader.all(sql, [key])))[0] : statement.get(key);
  const readLogRow = readRow((key) => isLarge(reads, key), READ_LOG, reads.readLog);
  const readSessionRow = readRow(isLargeSession, READ_SESSION, reads.readSession);
  /** A large one takes long to read, as long to convert, and then to be written as JSON: each by itself. */
  const readLarge = <Item>(readRow: ReadRow, key: SqliteValue, convert: (row: SqliteRow) => Item) =>
    alone(async () => {
      const row = await readRow(key);
      if (row) await prepareConfig(row);
      await nextHeavyTurn();
      const item = row && convert(row);
      await nextHeavyTurn();
      return item;
    });
  return {
    ...{ readLogRow, readSessionRow },
    readLog: async (key) => {
      if (isLarge(reads, key)) return readLarge(readLogRow, key, toLogResponse);
      const row = reads.readLog.get(key);
      return row && toLogResponse(row);
    },
    readSession: async (key) => {
      if (isLargeSession(key)) return readLarge(readSessionRow, key, toSession);
      const row = reads.readSession.get(key);
      return row && toSession(row);
    },
  };
}

export function isLarge({ sizeOfLog }: Pick<Statements, 'sizeOfLog'>, key: SqliteValue): boolean {
  return Number(sizeOfLog.get(key)?.['bytes'] ?? 0) > LARGE_BYTES;
}
