/** In a file of its own: ids are never made of an earlier time than before, so that this process stays in the next day. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const [binaries] = findPostgres();

describe.skipIf(!binaries)('a session that goes on after midnight', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries!, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('is found by words of both days, and its logs of both are updated', async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema() });
    onTestFinished(() => store.close());
    await store.createLogs([
      log({ session_reference_id: 'long', reference_id: 'first', output: 'zebra' }),
      log({ session_reference_id: 'short', output: 'zebra' }),
    ]);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 86_400_000);
    onTestFinished(() => void vi.restoreAllMocks());
    await store.createLogs([
      log({ session_reference_id: 'long', reference_id: 'second', parent_reference_id: 'first', output: 'watering' }),
      log({ session_reference_id: 'late', output: 'watering' }),
      log({ session_reference_id: 'both', output: 'zebra' }),
      log({ session_reference_id: 'both', output: 'watering' }),
    ]);
    for (const search of ['zebra watering', 'watering zebra', '"zebra" watering']) {
      const { sessions } = await store.viewer.listSessions({ search, size: 5 });
      expect(sessions.map((each) => each.reference_id).sort(), search).toEqual(['both', 'long']);
    }
    const update = (referenceId: string) => store.updateLog({ referenceId }, { output: 'later', duration: 1 });
    const answers = await Promise.all(['first', 'second'].map(update));
    for (const answer of answers) {
      expect(answer).toMatchObject({ output: 'later', session_reference_id: 'long' });
      expect(answer).toEqual(await store.getLog(answer!.id));
    }
    expect(answers[1]).toMatchObject({ parent_id: answers[0]!.id });
  });
});
