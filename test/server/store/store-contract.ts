/** What every store must do. The test of a store calls this with a function that opens an empty one. */
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../../src/server/store/store.ts';
import { log } from '../sample-log.ts';
import { describeDeletions } from './store-contract-deletions.ts';
import { describeIngest } from './store-contract-ingest.ts';
import { describeLists } from './store-contract-lists.ts';
import { describeLogs } from './store-contract-logs.ts';
import { describeProjects } from './store-contract-projects.ts';
import { describeReferences } from './store-contract-references.ts';
import { describeSessions } from './store-contract-sessions.ts';
import { describeViewer } from './store-contract-viewer.ts';
import { describeWide } from './store-contract-wide.ts';

export function describeStore(name: string, openEmptyStore: () => Promise<Store>): void {
  const open = async (): Promise<Store> => {
    const store = await openEmptyStore();
    onTestFinished(() => store.close());
    return store;
  };
  describeLogs(name, open);
  describeReferences(name, open);
  describeLists(name, open);
  describeProjects(name, open);
  describeViewer(name, open);
  describeSessions(name, open);
  describeDeletions(name, open);
  describeIngest(name, open);
  describeWide(name, open);

  test(`${name}: one failing write leaves those beside it alone`, async () => {
    const store = await open();
    const results = await Promise.allSettled([
      store.createLogs([log({ reference_id: 'a' })]),
      store.createLogs([log({ reference_id: 'b' }), log({ session_id: 'sesh_unknown' })]),
      store.createLogs([log({ reference_id: 'c' })]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const found = ['a', 'b', 'c'].map((referenceId) => store.updateLog({ referenceId }, {}));
    expect((await Promise.all(found)).map((each) => each?.reference_id)).toEqual(['a', undefined, 'c']);
  });

  test(`${name}: close finishes what was accepted, and takes nothing after`, async () => {
    const store = await open();
    const accepted = store.createLogs([log()]);
    await store.close();
    await expect(accepted).resolves.toHaveLength(1);
    await expect(store.createLogs([log()])).rejects.toThrow('closed');
  });
}
