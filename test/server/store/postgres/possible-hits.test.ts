import fc from 'fast-check';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { findPossibleHits } from '../../../../src/server/store/postgres/search/possible-hits.ts';
import type { Uuid } from '../../../../src/server/store/postgres/tables/keys.ts';

/** A database in which each session is of one day, and of itself. */
const NO_LONG_SESSIONS = { query: async () => ({ rows: [] }) } as unknown as pg.Pool;
const keyOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as Uuid;

test('portions have all hits of possible sessions in their order, and end behind what was left out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 4_500 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(40, 100),
      async (count, every, size) => {
        const hits = Array.from({ length: count }, (_, index) => ({ id: `id ${index}`, session: keyOf(index) }));
        const isPossible = ({ session }: { session: Uuid }) => Number(session.slice(-12)) % every === 0;
        const possible = new Set(hits.filter(isPossible).map(({ session }) => session));
        let at = 0;
        for await (const portion of findPossibleHits(NO_LONG_SESSIONS, hits, [possible], size)) {
          const end = hits.findIndex(({ id }) => id === portion.last) + 1;
          expect(portion.hits).toEqual(hits.slice(at, end).filter(isPossible));
          expect(portion.hits.length).toBeLessThanOrEqual(size);
          expect(end).toBeGreaterThan(at);
          at = end;
        }
        expect(at).toBe(count);
      },
    ),
    { numRuns: 30 },
  );
});
