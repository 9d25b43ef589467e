import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { createOneAtATime } from '../../../src/server/store/one-at-a-time.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('jobs run one after the other, also after one that fails', async () => {
  const runAlone = createOneAtATime();
  const said: string[] = [];
  const work = (name: string) => async () => {
    said.push(`${name} begins`);
    await new Promise(setImmediate);
    said.push(`${name} ends`);
    if (name === 'b') throw new Error('b fails');
    return name;
  };
  const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => runAlone(work(name))));
  expect(said).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test.each(['the result', 'the error'])('%s of the last job is not kept', async (what) => {
  const runAlone = createOneAtATime();
  let kept: WeakRef<object> | undefined;
  const run = () =>
    runAlone(async () => {
      const made = what === 'the result' ? { text: 'large' } : new Error('large');
      kept = new WeakRef(made);
      if (made instanceof Error) throw made;
      return made;
    });
  await run().catch(() => {});
  await new Promise(setImmediate);
  collect();
  expect(kept?.deref()).toBeUndefined();
  await runAlone(async () => {});
});
