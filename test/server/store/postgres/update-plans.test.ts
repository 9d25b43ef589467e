/** How PostgreSQL finds the logs that are updated or completed by statements that were planned on a day without logs. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const UPDATES = 32;
/** More often than PostgreSQL plans a statement for its values. */
const WARM_ROUNDS = 12;
const OTHERS = 20_000;

interface Plan {
  readonly 'Relation Name'?: string;
  readonly Operation?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Plan[];
}

describe.each(findPostgres())('$name: updates', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off', 'autovacuum=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test.each([
    [
      'updates',
      'update log in ',
      (store: Store, name: string) => store.updateLog({ referenceId: name }, { output: 'x' }),
    ],
    ['completes', 'complete log in ', (store: Store, name: string) => store.createLogs([log({ reference_id: name })])],
    ['locks', 'lock log in ', revise],
    ['revises', 'set duration in ', revise],
  ] as const)(
    'one that %s a log finds it by its id, by a plan that is kept, in the table of its day',
    async (_, name, write) => {
      const url = await cluster.createSchema();
      const store = await openPostgresStore({ url, search: 'off' });
      onTestFinished(() => store.close());
      await store.createLogs([log({ reference_id: 'r' })]);
      const takePlans = explainAll((statement) => statement.startsWith(name));
      for (let round = 0; round < WARM_ROUNDS; round += 1) await write(store, 'r');
      await addLogs(url);
      await takePlans();
      await write(store, 'r');
      const scans = (await takePlans()).flatMap(scansOfLogs);
      expect(scans).not.toHaveLength(0);
      // A plan that is kept has parameters in place of values.
      for (const scan of scans) expect(scan['Index Cond'], JSON.stringify(scan)).toMatch(/\bid = \$\d/);
      expect(new Set(scans.map((scan) => scan['Relation Name'])).size).toBe(1);
    },
  );

  test('find each log by its id, however many came after the statement was planned', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url, search: 'off' });
    onTestFinished(() => store.close());
    const references = Array.from({ length: UPDATES }, (_, index) => `r${index}`);
    await store.createLogs(references.map((reference) => log({ reference_id: reference })));
    const takePlans = explainAll((statement) => /^update \d+ logs in /.test(statement));
    const updateAll = () =>
      Promise.all(references.map((referenceId) => store.updateLog({ referenceId }, { output: 'changed' })));
    for (let round = 0; round < WARM_ROUNDS; round += 1) await updateAll();
    await addLogs(url);
    await takePlans();
    for (const answer of await updateAll()) expect(answer).toMatchObject({ output: 'changed' });
    const scans = (await takePlans()).flatMap(scansOfLogs);
    expect(scans).not.toHaveLength(0);
    for (const scan of scans) expect(scan['Index Cond'], JSON.stringify(scan)).toMatch(/\bid\b/);
  });

  test('return an output only where they leave it as it is', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url, search: 'off' });
    onTestFinished(() => store.close());
    const logs = await store.createLogs(Array.from({ length: 8 }, () => log({ output: 'old' })));
    const query = pg.Client.prototype.query as (...given: unknown[]) => Promise<pg.QueryResult>;
    const outputs: Promise<unknown[]>[] = [];
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
      const answer = query.apply(this, given);
      if (/^update (log|\d+ logs) in /.test((given[0] as { name?: string })?.name ?? '')) {
        // Before the store adds what is new.
        outputs.push(answer.then(({ rows }) => rows.map((row) => row.output)));
      }
      return answer as never;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const updateAll = (update: { output?: string; duration: number }) =>
      Promise.all(logs.map(({ id }) => store.updateLog({ id }, update)));
    const takeOutputs = async () => (await Promise.all(outputs.splice(0))).flat();
    await updateAll({ duration: 1 });
    await store.updateLog(logs[0]!, { duration: 2 });
    expect(await takeOutputs()).toEqual(Array(9).fill('old'));
    expect(await updateAll({ output: 'new', duration: 1 })).toMatchObject(Array(8).fill({ output: 'new' }));
    await store.updateLog(logs[0]!, { output: 'new' });
    expect(await takeOutputs()).toEqual(Array(9).fill(null));
  });

  test('read no other log of the session, whatever the one that failed says', async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema(), search: 'off' });
    onTestFinished(() => store.close());
    const content = ['it rains', ''];
    const said = content.map((text, index) =>
      log({ ...inSession(index), output_message: { role: 'assistant', content: text } }),
    );
    const logs = await store.createLogs(said);
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => void vi.restoreAllMocks());
    for (const { id } of logs) await store.updateLog({ id }, { error: 'broken' });
    await store.createLogs(said.map((_, index) => log({ ...inSession(index), error: 'broken' })));
    const texts = statements.mock.calls.map(([each]) => (each as { text?: string } | undefined)?.text ?? '');
    expect(texts.filter((text) => text.includes('logs.session = '))).toEqual([]);
  });

  test.each([1, 3, 16, 40])('find %i references by plans that are kept', async (count) => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url, search: 'off' });
    onTestFinished(() => store.close());
    const takePlans = explainAll((statement) => statement.startsWith('find references'));
    let plans: Plan[] = [];
    for (let round = 0; round < WARM_ROUNDS; round += 1) {
      // They are of no log, so that none is remembered.
      const names = Array.from({ length: count }, (_, index) => `${round} ${index}`);
      await Promise.all(names.map((referenceId) => store.updateLog({ referenceId }, { output: 'x' })));
      plans = await takePlans();
    }
    const scans = plans.flatMap(indexScansOf);
    expect(scans, JSON.stringify(plans)).not.toHaveLength(0);
    const pair = /\breference = \$\d.*bucket = \$\d|bucket = \$\d.*reference = \$\d/;
    const condition = count > 16 ? /^\(reference = ANY \(\$1\)\)$/ : pair;
    for (const scan of scans) expect(scan['Index Cond'], JSON.stringify(plans)).toMatch(condition);
  });
});

function inSession(index: number) {
  return { session_reference_id: `s${index}`, reference_id: `r${index}` };
}

async function revise(store: Store, name: string): Promise<void> {
  const empty = { creates: [], feedback: [], places: new Map(), parts: new Map(), kept: new Map(), calls: [] };
  await store.ingest(['a'.repeat(32)], () => ({ ...empty, revisions: [{ referenceId: name, duration: 1 }] }));
}

/**
 * Explains the plan that a connection has kept, in the transaction of the statement, whenever it sends it. Returns a
 * function that resolves to the plans since it was called last.
 */
function explainAll(isWanted: (name: string) => boolean): () => Promise<Plan[]> {
  const plans: Promise<Plan>[] = [];
  const query = pg.Client.prototype.query as (...given: unknown[]) => Promise<pg.QueryResult>;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
    const [statement] = given as { name?: string; values?: unknown[] }[];
    const answer = query.apply(this, given);
    if (isWanted(statement?.name ?? '')) {
      const values = statement!.values!.map(toSql).join(', ');
      const explained = query.call(this, `EXPLAIN (FORMAT JSON) EXECUTE "${statement!.name}" (${values})`);
      plans.push(explained.then(({ rows }) => rows[0]['QUERY PLAN'][0].Plan));
    }
    return answer as never;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return () => Promise.all(plans.splice(0));
}

function toSql(value: unknown): string {
  if (value === null) return 'NULL';
  return Array.isArray(value) ? `'{${value.join(',')}}'` : `'${value}'`;
}

async function addLogs(url: string): Promise<void> {
  await withClient(url, (client) =>
    client.query(
      `INSERT INTO logs (day, bucket, id, session, in_session, project, created_at, updated_at, save)
       SELECT current_date, number % 1024, 'data_0' || lpad(number::text, 20, '0'), gen_random_uuid(), true, 1, now(),
         now(), true FROM generate_series(1, ${OTHERS}) AS number`,
    ),
  );
}

function scansOfLogs(plan: Plan): Plan[] {
  const below = (plan.Plans ?? []).flatMap(scansOfLogs);
  const isScan = plan['Relation Name']?.startsWith('logs_p') && plan.Operation === undefined;
  return isScan ? [plan, ...below] : below;
}

function indexScansOf(plan: Plan): Plan[] {
  const below = (plan.Plans ?? []).flatMap(indexScansOf);
  return plan['Index Cond'] === undefined ? below : [plan, ...below];
}
