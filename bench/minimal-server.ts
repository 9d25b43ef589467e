/**
 * The minimal server, the least that one could do. With a file: parse the array, insert the JSON of each log, commit,
 * answer with the ids. With a database: the same in one statement, and of a PATCH parse the body, merge it into the JSON
 * of the log by one statement, and answer with the whole log. Neither has checks, sessions, search or a feed of changes.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

/** The part of both engines that is used here. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): {
    run(...parameters: unknown[]): unknown;
    get(...parameters: unknown[]): Record<string, unknown>;
  };
}

/** Returns the JSON of the answer. `body` is the parsed one of the request. */
type Answer = (request: IncomingMessage, body: unknown) => string | Promise<string>;

const CONNECTIONS = 8;
const require = createRequire(import.meta.url);

/** Resolves to the port. `place` is a file or the address of a database. */
export async function startMinimalServer(place: string): Promise<number> {
  const answer = place.startsWith('postgres:') ? await answersOfPostgres(place) : answersOfFile(place);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const json = await answer(request, JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, { 'content-type': 'application/json' }).end(json);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export function openFile(file: string): Database {
  const { DatabaseSync } = require(process.getBuiltinModule('node:sqlite') ? 'node:sqlite' : '@photostructure/sqlite');
  return new DatabaseSync(file) as Database;
}

function answersOfFile(file: string): Answer {
  const database = openFile(file);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE logs (key INTEGER PRIMARY KEY, json TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO logs (json) VALUES (?)');
  let next = 0;
  return (_request, body) => {
    database.exec('BEGIN IMMEDIATE');
    const created = (body as unknown[]).map((log) => {
      insert.run(JSON.stringify(log));
      return { id: `data_${next++}` };
    });
    database.exec('COMMIT');
    return JSON.stringify(created);
  };
}

async function answersOfPostgres(url: string): Promise<Answer> {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  await pool.query('CREATE TABLE minimal_logs (reference text PRIMARY KEY, log jsonb NOT NULL)');
  const insert = `INSERT INTO minimal_logs SELECT log ->> 'reference_id', log FROM jsonb_array_elements($1::jsonb) AS log
    RETURNING reference`;
  const update = 'UPDATE minimal_logs SET log = log || $2::jsonb WHERE reference = $1 RETURNING log::text';
  return async ({ method, url: path = '' }, body) => {
    const json = JSON.stringify(body);
    if (method === 'POST')
      return JSON.stringify((await pool.query({ name: 'insert', text: insert, values: [json] })).rows);
    const reference = new URL(path, 'http://localhost').searchParams.get('reference_id');
    return (await pool.query({ name: 'update', text: update, values: [reference, json] })).rows[0].log;
  };
}
