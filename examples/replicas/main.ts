/** The app's traces through three servers on one PostgreSQL database, behind a load balancer */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startLoadBalancer } from './load-balancer.ts';
import { startPostgres } from './postgres.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const SERVERS = 3;

export interface Replicas {
  /** Of the load balancer, with `/v4`. */
  readonly baseUrl: string;
  /** Of each server, without `/v4`. */
  readonly urls: readonly string[];
  /** Returns how many requests each server has had from the load balancer. */
  requests(): number[];
  close(): Promise<void>;
}

/** `command` is what Node runs for a server. Throws an `Error` that says why, where there is no PostgreSQL to run. */
export async function startReplicas(command: readonly string[] = [CLI]): Promise<Replicas> {
  const postgres = await startPostgres();
  const servers: ChildProcess[] = [];
  const close = async () => {
    const ended = servers.map((server) => server.exitCode === null && once(server, 'exit'));
    for (const server of servers) server.kill('SIGTERM');
    await Promise.all(ended);
    await postgres.stop();
  };
  try {
    const urls = await Promise.all(
      Array.from({ length: SERVERS }, () => {
        // What `npx humanloop-otel serve` runs. All of them make the tables, and one of them does.
        const server = spawn(process.execPath, [...command, 'serve', '--port', '0'], {
          env: {
            ...process.env,
            HUMANLOOP_DATABASE_URL: postgres.url,
            HUMANLOOP_API_KEY: '',
            HUMANLOOP_PUBLIC_URL: '',
          },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        servers.push(server);
        return readUrl(server);
      }),
    );
    const balancer = await startLoadBalancer(urls);
    return {
      baseUrl: `${balancer.url}/v4`,
      urls,
      requests: balancer.requests,
      close: async () => {
        balancer.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The server prints it as soon as it listens. */
async function readUrl(server: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of server.stdout!) {
    text += chunk;
    const [, url] = /serves (http:\S+)\/v4/.exec(text) ?? [];
    if (url !== undefined) {
      // Read to its end, or the server would wait for its reader.
      server.stdout!.resume();
      return url;
    }
  }
  throw new Error('a server ended before it listened');
}
