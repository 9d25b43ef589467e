/**
 * One of the log servers that are compared, in a process of its own: the package's, with the file or the database that
 * `argv[3]` names, or the least that a server could do with a file: parse the array, insert the JSON of each log, commit,
 * answer with the ids. All wait for the disk before each answer (`synchronous=FULL`).
 */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { startServer } from 'humanloop-otel/server';

/** The part of both engines that is used here. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): {
    run(...parameters: unknown[]): unknown;
    get(...parameters: unknown[]): Record<string, unknown>;
  };
}

export interface ServerState {
  /** User and system time of the process so far, in milliseconds. */
  readonly cpuMillis: number;
  /** Logs that a search does not find yet. */
  readonly unindexed: number;
  /** How long the oldest of them has been stored. */
  readonly behindMillis: number;
}

const [, , kind = '', place = ''] = process.argv;
const require = createRequire(import.meta.url);
const isPostgres = place.startsWith('postgres:');
const port = kind === 'minimal' ? await startMinimal() : await startOurs();
const reading = kind === 'minimal' || isPostgres ? undefined : openDatabase();

process.on('message', () => process.send?.(readState()));
process.on('disconnect', () => process.exit());
process.send?.({ port });

function readState(): ServerState {
  const { user, system } = process.cpuUsage();
  const state = { cpuMillis: (user + system) / 1000, unindexed: 0, behindMillis: 0 };
  if (!reading) return state;
  const { count, oldest } = reading
    .prepare(
      `SELECT count(*) AS count, (SELECT updated_at FROM logs WHERE key = (SELECT min(key) FROM unindexed_logs)) AS oldest
       FROM unindexed_logs`,
    )
    .get();
  const behindMillis = typeof oldest === 'string' ? Date.now() - Date.parse(oldest) : 0;
  return { ...state, unindexed: Number(count), behindMillis };
}

async function startOurs(): Promise<number> {
  const store = isPostgres ? { database: place } : { file: place };
  return (await startServer({ port: 0, ...store })).port;
}

async function startMinimal(): Promise<number> {
  const database = openDatabase();
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE logs (key INTEGER PRIMARY KEY, json TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO logs (json) VALUES (?)');
  let next = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const logs = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown[];
      database.exec('BEGIN IMMEDIATE');
      const created = logs.map((log) => {
        insert.run(JSON.stringify(log));
        return { id: `data_${next++}` };
      });
      database.exec('COMMIT');
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(created));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function openDatabase(): Database {
  const { DatabaseSync } = require(process.getBuiltinModule('node:sqlite') ? 'node:sqlite' : '@photostructure/sqlite');
  return new DatabaseSync(place) as Database;
}
