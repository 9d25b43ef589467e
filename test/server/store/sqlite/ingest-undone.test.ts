/** What a request has noted of a log is still true where another write of the same request fails, or moves feedback. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Ingest } from '../../../../src/server/store/ingest.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const TRACE = 'a'.repeat(32);
const reference = (digit: number) => `${TRACE}-${String(digit).repeat(16)}`;
const scores = (count: number, type = 'score') => Array.from({ length: count }, (_, value) => ({ type, value }));

async function openStore() {
  const store = await openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => store.close());
  const nothing: Ingest = {
    ...{ creates: [], revisions: [], feedback: [] },
    ...{ places: new Map(), parts: new Map(), kept: new Map(), calls: [] },
  };
  const ingest = (writes: Partial<Ingest>) => store.ingest([TRACE], () => ({ ...nothing, ...writes }));
  return { store, ingest };
}

test('a log keeps the parent that it has been given, where what comes later for it fails', async () => {
  const { store, ingest } = await openStore();
  const [parent, child] = await store.createLogs([1, 2].map((digit) => log({ reference_id: reference(digit) })));
  const given = log({ reference_id: reference(2), parent_reference_id: reference(1) });
  const faults = await ingest({ creates: [given, { ...given, feedback: scores(1_001) }] });
  expect(faults).toMatchObject([{ referenceId: reference(2) }]);
  expect((await store.getLog(child!.id))!.parent_id).toBe(parent!.id);
});

test('a log has room for feedback again where some was taken to another', async () => {
  const { store, ingest } = await openStore();
  await store.createLogs([
    log({ reference_id: reference(1), feedback: scores(999) }),
    log({ reference_id: reference(2) }),
  ]);
  const [moved] = scores(1);
  const feedback = [
    { referenceId: reference(1), feedback: { type: 'one', value: 1 } },
    { referenceId: reference(2), feedback: moved!, takenFrom: reference(1) },
    { referenceId: reference(1), feedback: { type: 'two', value: 2 } },
  ];
  expect(await ingest({ feedback })).toEqual([]);
});

test('a log has less room for feedback where it has got that of another', async () => {
  const { store, ingest } = await openStore();
  await store.createLogs([log({ reference_id: reference(2), feedback: scores(600, 'other') })]);
  const faults = await ingest({
    creates: [log({ reference_id: reference(1), feedback: scores(600) })],
    revisions: [{ referenceId: reference(2), mergedInto: reference(1) }],
    feedback: [{ referenceId: reference(1), feedback: { type: 'one', value: 1 } }],
  });
  expect(faults).toMatchObject([{ referenceId: reference(1) }]);
});
