import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { LogUpdate } from '../../../../src/wire/v4.ts';
import { log } from '../../sample-log.ts';

const fates: LogUpdate[] = [
  ...[{}, { output: 'o' }, { error: 'e' }, { duration: 0 }, { output: '', duration: 1 }],
  ...[
    { output: 'o', error: 'e' },
    { error: 'e', duration: 1 },
    { output: 'o', error: 'e', duration: 1 },
  ],
];

test('a log runs while it has no output, error or duration: of itself and in the sum of its session', async () => {
  const store = await openSqliteStore({ file: ':memory:' });
  onTestFinished(() => store.close());
  const readSession = async (id: string) => (await store.viewer.readSession(id))!;
  for (const late of [false, true]) {
    const requests = fates.map((fate, index) =>
      log({ reference_id: `${late} ${index}`, session_reference_id: `${late}`, ...(!late && fate) }),
    );
    const [first] = await store.createLogs(requests);
    const before = await readSession(first!.session_id!);
    if (late) {
      expect(before.session.running).toBe(fates.length);
      await Promise.all(fates.map((fate, index) => store.updateLog({ referenceId: `${late} ${index}` }, fate)));
    }
    const { session, logs } = await readSession(first!.session_id!);
    expect(logs.map(({ running }) => running === true)).toEqual(fates.map((_, index) => index === 0));
    expect(session.running).toBe(1);
  }
});
