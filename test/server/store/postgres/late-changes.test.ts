/** Open pages are told of changes whose time is not the one at which they become visible. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { SessionSummary } from '../../../../src/server/store/viewer-store.ts';
import { mergeChanges } from '../../../../src/viewer/state/session-list.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne } from '../../sample-log.ts';

/** Longer than pages look back, and shorter than a statement may take. */
const HELD_MILLIS = 7_500;
const NOTHING = { creates: [], revisions: [], places: new Map(), feedback: [], parts: new Map(), calls: [] };

for (const binaries of findPostgres()) {
  describe(`late changes on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    /** Two servers, and how often a page of the second one was told of a session, or of changes that it has to look for. */
    const openPage = async () => {
      const url = await cluster.createSchema();
      const [writer, reader] = [await openPostgresStore({ url }), await openPostgresStore({ url })];
      onTestFinished(async () => void (await Promise.all([writer.close(), reader.close()])));
      return { url, writer, reader };
    };
    const listen = async (store: Store) => {
      const told: string[] = [];
      onTestFinished(store.viewer.onChange(({ sessions }) => told.push(...(sessions ?? ['all']))));
      await store.viewer.version();
      return (id: string) => told.filter((each) => each === id || each === 'all').length;
    };

    test('a change after the clock of the database was set back is told', async () => {
      const { url, writer, reader } = await openPage();
      const { session_id: id } = await createOne(writer, { reference_id: 'r', session_reference_id: 's' });
      // As the clock was ahead when this was written.
      await withClient(url, (client) =>
        client.query(`UPDATE sessions SET changed_at = clock_timestamp() + interval '1 minute'`),
      );
      const countTold = await listen(reader);
      for (let round = 1; round <= 2; round += 1) {
        await writer.updateLog({ referenceId: 'r' }, { output: `round ${round}` });
        await expect.poll(() => countTold(id!), { timeout: 3_000 }).toBe(round);
      }
    });

    test('what became visible later than pages look back is told', async () => {
      const { url, writer, reader } = await openPage();
      const { session_id: id } = await createOne(writer, { reference_id: 'r', session_reference_id: 's' });
      const countTold = await listen(reader);
      const trace = 'a'.repeat(32);
      const facets = { metadata: { user: 'ada' } };
      await withClient(url, async (client) => {
        // Facets are written behind the sums of the session, which have the time.
        await client.query('BEGIN; LOCK TABLE session_facets IN EXCLUSIVE MODE');
        const creates = [{ project: 'project', session_reference_id: 'by a span', reference_id: 'span', ...facets }];
        const writes = [
          createOne(writer, { session_reference_id: 's', ...facets }),
          writer.ingest([trace], () => ({ ...NOTHING, kept: new Map(), creates })),
        ];
        await new Promise((resolve) => setTimeout(resolve, HELD_MILLIS));
        expect(countTold(id!)).toBe(0);
        await client.query('COMMIT');
        await Promise.all(writes);
      });
      const others = (await reader.viewer.listSessions({ size: 5 })).sessions.map((session) => session.id);
      expect(others).toHaveLength(2);
      for (const each of others) await expect.poll(() => countTold(each), { timeout: 3_000 }).toBe(1);
    }, 30_000);

    test('an open list shows what the server lists, when sessions become one and logs move to others', async () => {
      const { writer, reader } = await openPage();
      const read = async (ids?: string[]) =>
        (await reader.viewer.listSessions({ size: 50, ...(ids && { ids }) })).sessions;
      let shown: readonly SessionSummary[] = [];
      let reading = Promise.resolve();
      onTestFinished(
        reader.viewer.onChange(({ sessions }) => {
          // As a page does, see `LiveList`.
          reading = reading.then(async () => {
            const fresh = await read(sessions ? [...sessions] : undefined);
            const list = { sessions: shown, next: null };
            shown = sessions ? mergeChanges(list, new Set(sessions), fresh).sessions : fresh;
          });
        }),
      );
      await reader.viewer.version();
      const same = async () => {
        await reading;
        const listed = await read();
        return JSON.stringify(shown) === JSON.stringify(listed) ? listed.length : `${shown.length} of ${listed.length}`;
      };
      await createOne(writer, { reference_id: 'child', parent_reference_id: 'parent' });
      await expect.poll(same, { timeout: 4_000 }).toBe(1);
      await createOne(writer, { reference_id: 'parent' });
      await expect.poll(same, { timeout: 4_000 }).toBe(1);
      await createOne(writer, { session_reference_id: 's' });
      await expect.poll(same, { timeout: 4_000 }).toBe(2);
      await createOne(writer, { reference_id: 'parent', session_reference_id: 's' });
      await expect.poll(same, { timeout: 4_000 }).toBe(1);
      const trace = 'b'.repeat(32);
      const span = { project: 'project', session_reference_id: trace, reference_id: `${trace}-${'1'.repeat(16)}` };
      await writer.ingest([trace], () => ({ ...NOTHING, kept: new Map(), creates: [span] }));
      await expect.poll(same, { timeout: 4_000 }).toBe(2);
      const moves = [{ referenceId: span.reference_id, sessionReferenceId: 's' }];
      await writer.ingest([trace], () => ({ ...NOTHING, kept: new Map(), revisions: moves }));
      await expect.poll(same, { timeout: 4_000 }).toBe(1);
    });
  });
}
