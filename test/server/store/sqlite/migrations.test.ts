import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../../../../src/server/store/sqlite/migrations.ts';

/** Digests of the released migrations, without comments and spacing. A new one adds a line; no line ever changes. */
const RELEASED = [
  '40bda17ec34dbc3141035ae015698563c0fd2e5bdc16b9dd95ec9dddee908612',
  'af7566074e25270d2c5d8c1ec9b7dae2f9ed826b7d22845e010b6628e38a22a0',
];

function digest(sql: string): string {
  const words = sql.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ');
  return createHash('sha256')
    .update(words.replaceAll(/ ?([(),;]) ?/g, '$1').trim())
    .digest('hex');
}

test('a migration that was released does what it did: files that it has made are never made again', () => {
  expect(MIGRATIONS.map(digest)).toEqual(RELEASED);
});
