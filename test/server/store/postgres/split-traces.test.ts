/**
 * However a trace is cut into requests, to whichever of several servers they go, at once or one after the other, and if
 * servers lose their connections or are killed meanwhile: what is stored in the end is what one request with all spans
 * gives on SQLite.
 */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SpanSlice } from '../../../../src/otel/span-slice.ts';
import { type ClosableIntake, createOtlpIntake } from '../../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { LogResponse } from '../../../../src/wire/v4.ts';
import { PROPERTY_TIMEOUT_MILLIS, RUNS } from '../../../pipeline/forests.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { comparable, requestsOf, scenario, spansOfAll } from '../../otlp/cut-traces.ts';
import { KilledServer } from '../../otlp/kill-server.ts';

/** A database is slower than a file in memory. */
const DATABASE_RUNS = Math.ceil(RUNS / 5);
const WRITTEN = [
  ...['logs', 'log_words', 'feedback', 'log_references', 'sessions', 'session_projects', 'session_facets'],
  ...['traces', 'trace_parts', 'trace_contents'],
];

const plans = fc.record({
  plan: scenario,
  /** To which server each request goes, over and over. */
  targets: fc.array(fc.nat(2), { minLength: 1, maxLength: 7 }),
  /** How many requests come at once, over and over. */
  together: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
});

for (const binaries of findPostgres()) {
  describe(`traces that are cut, on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    let servers: Replicas;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off', 'max_connections=200']);
      servers = await Replicas.start(await cluster.createSchema(), 3);
    });
    afterAll(async () => {
      await servers?.close();
      await cluster?.stop();
    });

    test('any cut to any servers gives the logs of one request', {
      timeout: 4 * PROPERTY_TIMEOUT_MILLIS,
    }, async () => {
      const property = fc.asyncProperty(plans, async ({ plan, targets, together }) => {
        const spans = spansOfAll(plan);
        await servers.empty();
        const whole = await KilledServer.start();
        try {
          await whole.take(spans);
          const requests = requestsOf(plan, spans).map((request, index) => ({ request, index }));
          for (let round = 0; requests.length > 0; round += 1) {
            const batch = requests.splice(0, together[round % together.length]);
            await Promise.all(
              batch.map(async ({ request, index }) => {
                const taken = servers.take(targets[index % targets.length]!, request);
                if (plan.kills.includes(index)) await servers.kill(targets[index % targets.length]!);
                expect(await taken).toEqual({ rejected: 0 });
              }),
            );
          }
          expect(comparable(await servers.logs())).toEqual(comparable(await whole.logs()));
          expect(await findFaults(servers.url)).toEqual([]);
          expect(await servers.sums()).toEqual(sumsOf(whole));
        } finally {
          await whole.close();
        }
      });
      await fc.assert(property, { numRuns: DATABASE_RUNS });
    });
  });
}

function sumsOf(server: KilledServer): unknown {
  const sums = server.query(`SELECT sessions.reference_id, logs_count AS logs, errors_count AS errors,
      running_count AS running, coalesce(prompt_tokens, 0) AS prompt_tokens, coalesce(output_tokens, 0) AS output_tokens
    FROM session_summaries JOIN sessions ON sessions.key = session_summaries.key ORDER BY sessions.reference_id`);
  return sums.map((row) => ({ ...row }));
}

/** Servers on one database, in this process. One that is killed loses what it was doing, and another one takes its place. */
class Replicas {
  readonly url: string;
  readonly #pool: pg.Pool;
  readonly #servers: { store: Store; intake: ClosableIntake; name: string }[] = [];
  #started = 0;

  private constructor(url: string) {
    this.url = url;
    this.#pool = new pg.Pool({ connectionString: url, application_name: 'test' });
  }

  static async start(url: string, count: number): Promise<Replicas> {
    const servers = new Replicas(url);
    for (let index = 0; index < count; index += 1) servers.#servers.push(await servers.#open());
    return servers;
  }

  async #open() {
    this.#started += 1;
    const name = `server ${this.#started}`;
    // The address names the application for the connections of this server alone.
    const url = new URL(this.url);
    url.searchParams.set('application_name', name);
    const store = await openPostgresStore({ url: url.href });
    return { store, intake: createOtlpIntake(store), name };
  }

  /** Sends it as a sender does: to the next server, until it is answered. */
  async take(target: number, spans: readonly SpanSlice[]): Promise<unknown> {
    for (let attempt = target; ; attempt += 1) {
      try {
        const { intake } = this.#servers[attempt % this.#servers.length]!;
        return await intake.takeSpans(spans.map((slice) => ({ slice })));
      } catch (error) {
        const isPassing = (error as Error).name === 'StoreUnavailableError' || /closed/.test((error as Error).message);
        if (!isPassing || attempt > 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Its connections end in the middle of what they do, as they do when its process is killed. */
  async kill(target: number): Promise<void> {
    const { store, intake, name } = this.#servers[target]!;
    this.#servers[target] = await this.#open();
    intake.close();
    const closed = store.close();
    await this.#pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      name,
    ]);
    await closed;
  }

  /** Projects and configs stay, since servers remember them. */
  async empty(): Promise<void> {
    await this.#pool.query(WRITTEN.map((table) => `DELETE FROM ${table}`).join('; '));
  }

  async logs(): Promise<Map<string, LogResponse>> {
    const { rows } = await this.#pool.query('SELECT id FROM logs');
    const logs = new Map<string, LogResponse>();
    for (const { id } of rows) {
      const log = (await this.#servers[0]!.store.getLog(id)) as LogResponse;
      logs.set(log.reference_id as string, log);
    }
    return logs;
  }

  async sums(): Promise<unknown> {
    const { rows } = await this.#pool.query(`SELECT reference_id, logs::int, errors::int, running::int,
        coalesce(prompt_tokens, 0) AS prompt_tokens, coalesce(output_tokens, 0) AS output_tokens
      FROM sessions WHERE merged_into IS NULL ORDER BY reference_id`);
    return rows;
  }

  async close(): Promise<void> {
    for (const { store, intake } of this.#servers) {
      intake.close();
      await store.close();
    }
    await this.#pool.end();
  }
}
