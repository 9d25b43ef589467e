/** What a search knows beforehand of the terms beside the one that leads. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OtherTerms } from '../../../../src/server/store/postgres/search/other-terms.ts';
import { toTerms } from '../../../../src/server/store/postgres/search/word-terms.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect } from '../../../../src/server/store/postgres/tables/connection.ts';
import { nextDay } from '../../../../src/server/store/postgres/tables/identifiers.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const SESSIONS = 30;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('no more sessions of another term are read than its hits are worth, and later days are asked all the same', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    const written = await store.createLogs(
      Array.from({ length: SESSIONS }, (_, index) =>
        log({ session_reference_id: `session ${index}`, output: 'zebra' }),
      ),
    );
    await store.close();
    const { reads: pool, close } = connect(url, () => {});
    onTestFinished(close);
    const today = new Date().toISOString().slice(0, 10);
    const days = { first: nextDay(today, -1), last: nextDay(today) };
    const others = new OtherTerms(pool, await toTerms({ search: 'zebra', size: 1 }));
    const count = async (hits?: number) => {
      const known = await others.sessionsOf(days, Number.POSITIVE_INFINITY, hits);
      return known.map((sessions) => sessions.size);
    };
    expect(new Set(written.map((each) => each.session_id)).size).toBe(SESSIONS);
    expect(await count(1)).toEqual([]);
    expect(await count(SESSIONS)).toEqual([SESSIONS]);
    expect(await count(1)).toEqual([]);
    expect(await count()).toEqual([SESSIONS]);
    const absent = new OtherTerms(pool, await toTerms({ search: 'giraffe', size: 1 }));
    expect(await absent.sessionsOf(days, Number.POSITIVE_INFINITY, 1)).toEqual([new Set()]);
  });
});
