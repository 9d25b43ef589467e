/** What a turn keeps of the words of its logs. */
import { expect, test } from 'vitest';
import { Vocabulary } from '../../../../src/server/store/postgres/search/vocabulary.ts';
import { toWords } from '../../../../src/server/store/postgres/tables/words.ts';

test('a turn keeps each word once, and none that is found as a whole only', () => {
  // Nothing is written.
  const turn = new Vocabulary(undefined as never, { isDistributed: false, shardOrder: [] }).ofTurn();
  for (let log = 0; log < 100; log += 1) {
    toWords(`Zebra ${log + 10_000} zebra Ünder trace${'0123456789abcdef'.repeat(2)}${log}`, undefined, turn.add);
  }
  expect(turn.size).toBe(2);
});
