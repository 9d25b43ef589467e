/**
 * Three servers on one PostgreSQL behind a balancer that cuts connections. While the producers run, servers and database
 * are killed with `kill -9`, connections of the database are ended, and it stops answering, as a seed decides.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { findFaults } from '../support/postgres/checks.ts';
import { type PostgresCluster, withClient } from '../support/postgres/cluster.ts';
import { bundled } from '../support/producer/start-producer.ts';
import type { Random } from '../support/random.ts';
import type { Stage, Stored, StoredLog } from './play-seed.ts';

const REPLICAS = 3;
/** Longer than a server waits for a connection to the database. */
const REQUEST_MILLIS = 4_000;

export async function openDatabaseStage(cluster: PostgresCluster, random: Random): Promise<Stage> {
  const stage = new DatabaseStage(cluster, await cluster.createSchema(), random);
  await stage.start();
  return stage;
}

class DatabaseStage implements Stage {
  readonly timeoutMillis = REQUEST_MILLIS;
  readonly poisonShare = 0;
  readonly lifeMillis = 3_000;
  readonly #cluster: PostgresCluster;
  readonly #url: string;
  readonly #random: Random;
  readonly #replicas: Replica[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #faults: Record<string, number> = {};
  readonly #cutShare: number;
  #balancer: Server | undefined;
  #requests = 0;
  #isOver = false;
  #chaos: Promise<void> = Promise.resolve();
  #baseUrl = '';

  constructor(cluster: PostgresCluster, url: string, random: Random) {
    this.#cluster = cluster;
    this.#url = url;
    this.#random = random;
    this.#cutShare = random.pick([0, 0.01, 0.05]);
  }

  get baseUrl(): string {
    return this.#baseUrl;
  }

  async start(): Promise<void> {
    for (let index = 0; index < REPLICAS; index += 1) this.#replicas.push(new Replica(this.#url));
    await Promise.all(this.#replicas.map((replica) => replica.listening));
    const balancer = createServer((client) => this.#pass(client));
    balancer.listen(0, '127.0.0.1');
    await once(balancer, 'listening');
    this.#balancer = balancer;
    this.#baseUrl = `http://127.0.0.1:${(balancer.address() as { port: number }).port}/v4`;
    this.#chaos = this.#spoil();
  }

  async #spoil(): Promise<void> {
    for (let left = this.#random.between(3, 8); left > 0 && !this.#isOver; left -= 1) {
      await pause(this.#random.between(50, 900));
      const name = this.#random.pick(['killServer', 'killServer', 'killDatabase', 'endConnections', 'freezeDatabase']);
      this.#faults[name] = (this.#faults[name] ?? 0) + 1;
      if (name === 'killServer') {
        const index = this.#random.between(0, REPLICAS - 1);
        this.#replicas[index]!.kill();
        this.#replicas[index] = new Replica(this.#url);
      } else if (name === 'killDatabase') {
        await this.#cluster.kill();
        await pause(this.#random.pick([0, 200, 1_500]));
        await this.#cluster.start();
      } else if (name === 'freezeDatabase') {
        this.#cluster.freeze();
        await pause(this.#random.pick([100, 1_000, 3_000]));
        this.#cluster.thaw();
      } else {
        await withClient(this.#url, (client) =>
          client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()'),
        );
      }
    }
  }

  /** To a server that listens; to none if none does. */
  #pass(client: Socket): void {
    const ports = this.#replicas.flatMap(({ port }) => port ?? []);
    this.#requests += 1;
    client.on('error', () => {});
    if (ports.length === 0) return void client.destroy();
    const upstream = createConnection(ports[Math.floor(Math.random() * ports.length)]!, '127.0.0.1');
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const cut = (name: string): boolean => {
      if (this.#isOver || Math.random() >= this.#cutShare) return false;
      this.#faults[name] = (this.#faults[name] ?? 0) + 1;
      client.destroy();
      return true;
    };
    client.on('data', (chunk) => void (cut('requestCut') || upstream.write(chunk)));
    upstream.on('data', (chunk) => void (cut('answerCut') || client.write(chunk)));
  }

  async finish(): Promise<Stored> {
    this.#isOver = true;
    await this.#chaos;
    const breaches = await findFaults(this.#url);
    const { rows } = await withClient(this.#url, (client) =>
      client.query(`SELECT logs.reference_id, parent_reference_id, output, error, duration,
          sessions.reference_id AS session_reference_id
        FROM logs LEFT JOIN sessions ON logs.session = ANY(sessions.keys) AND sessions.merged_into IS NULL`),
    );
    const logs = new Map<string, StoredLog>();
    for (const { reference_id: reference, session_reference_id: session, ...row } of rows) {
      if (logs.has(reference)) breaches.push(`${reference} is there twice`);
      if (session !== reference.slice(0, 32)) breaches.push(`${reference} is in the session ${session}`);
      logs.set(reference, row);
    }
    const printed = this.#replicas.flatMap(({ output }) =>
      /TypeError|ReferenceError|syntax error|violates/.test(output) ? output : [],
    );
    return { logs, breaches: [...breaches, ...printed], requests: this.#requests, faults: this.#faults };
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#chaos.catch(() => {});
    this.#balancer?.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const replica of this.#replicas) replica.kill();
    const schema = /search_path=(\w+)/.exec(decodeURIComponent(this.#url))![1];
    await withClient(this.#url, (client) => client.query(`DROP SCHEMA ${schema} CASCADE`)).catch(() => {});
  }
}

/** Listens sooner or later: it is started again if the database was away when it started. */
class Replica {
  readonly #url: string;
  #child: ChildProcess | undefined;
  #isKilled = false;
  port: number | undefined;
  output = '';
  readonly listening: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.listening = this.#run();
  }

  async #run(): Promise<void> {
    const file = await bundled('test/chaos/replica.ts');
    while (!this.#isKilled && this.port === undefined) {
      const child = spawn(process.execPath, [file], {
        env: { PATH: process.env['PATH'], DATABASE: this.#url },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      this.#child = child;
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
      await new Promise<void>((resolve) => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          this.port = Number(/listens on (\d+)/.exec(text)?.[1]);
          resolve();
        });
        child.once('close', () => {
          this.port = undefined;
          resolve();
        });
      });
      if (this.port === undefined) await pause(100);
    }
  }

  kill(): void {
    this.#isKilled = true;
    this.port = undefined;
    this.#child?.kill('SIGKILL');
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
