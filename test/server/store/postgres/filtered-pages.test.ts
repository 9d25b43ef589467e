/** Pages of sessions that meet filters, common and rare, among more sessions than a page looks at one by one. */
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { FACETS } from '../../../../src/server/store/postgres/tables/log-facts.ts';
import type { SessionQuery, ViewerStore } from '../../../../src/server/store/viewer-store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';

const SESSIONS = 3_000;
/** Sessions per page. */
const SIZE = 40;

let cluster: PostgresCluster;
let viewer: ViewerStore;
let close: () => Promise<void>;
beforeAll(async () => {
  cluster = await startPostgres(findPostgres()[0]!, ['fsync=off']);
  const url = await cluster.createSchema();
  const store = await openPostgresStore({ url });
  ({ viewer } = store);
  close = () => store.close();
  await withClient(url, fill);
});
afterAll(async () => {
  await close?.();
  await cluster?.stop();
}, 60_000);

/** Session `number` ended, and was changed, `number` seconds ago: the number is its id. */
async function fill(client: pg.Client): Promise<void> {
  const key = `('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid`;
  const all = `generate_series(0, ${SESSIONS - 1}) AS number`;
  await client.query(
    `INSERT INTO sessions (bucket, key, id, keys, buckets, first_day, last_day, created_at, updated_at, changed_at, logs,
       errors, running, started_at, ended_at)
     SELECT 0, ${key}, number::text, ARRAY[${key}], ARRAY[0], current_date, current_date, now(), now(),
       now() - number * interval '1 second', 1, 0, 0, now() - interval '1 day', now() - number * interval '1 second'
     FROM ${all}`,
  );
  const facet = (kind: number, value: string, which: string) =>
    client.query(`INSERT INTO session_facets SELECT 0, ${key}, ${kind}, '${value}' FROM ${all} WHERE ${which}`);
  await facet(FACETS.model, 'common', 'number % 3 <> 0');
  await facet(FACETS.type, 'tool', 'true');
  await facet(FACETS.user, 'seldom', 'number % 61 = 7');
  await facet(FACETS.environment, 'once new', 'number < 100');
  await facet(FACETS.error, '*', `number > ${SESSIONS - 60}`);
}

const numbers = Array.from({ length: SESSIONS }, (_, number) => number);

async function readAll(query: Partial<SessionQuery>): Promise<{ ids: number[]; sizes: number[] }> {
  const pages: number[][] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await viewer.listSessions({ size: SIZE, ...query, ...(cursor !== undefined && { cursor }) });
    pages.push(page.sessions.map(({ id }) => Number(id)));
    cursor = page.next;
  }
  return { ids: pages.flat(), sizes: pages.map(({ length }) => length) };
}

test.each<[string, Partial<SessionQuery>, (number: number) => boolean]>([
  ['that most meet', { model: 'common', type: 'tool' }, (number) => number % 3 !== 0],
  ['that one in 61 meets', { user: 'seldom', type: 'tool' }, (number) => number % 61 === 7],
  ['that only the newest meet', { environment: 'once new' }, (number) => number < 100],
  ['that only the oldest meet', { hasError: true, model: 'common' }, (number) => number > 2_940 && number % 3 !== 0],
  ['that none meets', { user: 'seldom', environment: 'other' }, () => false],
])('a filter %s gives each of its sessions once, in order, in full pages', async (_name, query, meets) => {
  const expected = numbers.filter(meets);
  for (const sort of ['activity', 'changed'] as const) {
    const { ids, sizes } = await readAll({ ...query, sort });
    expect(ids).toEqual(expected);
    expect(sizes.slice(0, -1).every((size) => size === SIZE)).toBe(true);
  }
});

test('a filter that most meet reads no session beside those that it looks at one by one', async () => {
  const statements: string[] = [];
  const { query } = pg.Client.prototype;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
    const [statement] = given as [string | { text?: string }];
    statements.push(typeof statement === 'string' ? statement : (statement.text ?? ''));
    return (query as (...all: unknown[]) => unknown).apply(this, given) as never;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const { sessions } = await viewer.listSessions({ model: 'common', type: 'tool', size: SIZE });
  expect(sessions).toHaveLength(SIZE);
  const filtered = statements.filter((text) => text.includes('FROM session_facets AS facet'));
  expect(filtered).toHaveLength(1);
  expect(filtered[0]).toContain('unnest');
});
