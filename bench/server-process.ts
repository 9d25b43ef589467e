/**
 * One of the log servers that are compared, in a process of its own: the package's, with the file or the database that
 * `argv[3]` names, or the minimal one with either (minimal-server.ts). All wait for the disk before each answer
 * (`synchronous=FULL`).
 */
import { startServer } from 'humanloop-otel/server';
import { openFile, startMinimalServer } from './minimal-server.ts';

export interface ServerState {
  /** User and system time of the process so far, in milliseconds. */
  readonly cpuMillis: number;
  /** Logs that a search does not find yet. */
  readonly unindexed: number;
  /** How long the oldest of them has been stored. */
  readonly behindMillis: number;
}

const [, , kind = '', place = ''] = process.argv;
const isPostgres = place.startsWith('postgres:');
const port = kind === 'minimal' ? await startMinimalServer(place) : await startOurs();
const reading = kind === 'minimal' || isPostgres ? undefined : openFile(place);

// Who has asked may be gone by now.
process.on('message', () => process.connected && process.send?.(readState()));
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
