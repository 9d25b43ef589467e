import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeWave } from '../../src/delivery/encode-wave.ts';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import { Waves } from '../../src/delivery/waves.ts';
import { createLedger, offeredLog } from './offered-logs.ts';

function createWaves(bounds: { maxItems: number; maxBytes: number }) {
  const { ledger } = createLedger();
  const add = (reference: string, fields: Record<string, unknown> = {}) =>
    offeredLog(ledger, reference, undefined, { body: JSON.stringify(fields) });
  return { ledger, add, waves: new Waves(ledger, bounds) };
}

describe('a wave', () => {
  test('keeps the order and the bounds, and loses nothing', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 500, max: 20_000 }),
        (sizes, maxItems, maxBytes) => {
          const { ledger, add, waves } = createWaves({ maxItems, maxBytes });
          const entries = sizes.map((size, index) => add(`r-${index}`, { text: 'x'.repeat(size) }));
          const taken: LogEntry[] = [];
          while (ledger.readyCount > 0) {
            const wave = waves.take();
            expect(wave.length).toBeGreaterThan(0);
            expect(wave.length).toBeLessThanOrEqual(maxItems);
            if (wave.length > 1) expect(encodeWave(wave).length).toBeLessThanOrEqual(maxBytes);
            taken.push(...wave);
          }
          expect(taken).toEqual(entries);
        },
      ),
    );
  });

  test('has no log that was dropped meanwhile', () => {
    const { ledger, add, waves } = createWaves({ maxItems: 10, maxBytes: 10_000 });
    const [first, second] = [add('a-1'), add('a-2')];
    ledger.drop(first, 'redacted');
    expect(waves.take()).toEqual([second]);
  });

  test('is halved for logs of which one is invalid', () => {
    const { ledger, add, waves } = createWaves({ maxItems: 10, maxBytes: 10_000 });
    const entries = Array.from({ length: 6 }, (_, index) => add(`a-${index}`));
    ledger.halve(entries);
    expect([waves.take().length, waves.take().length]).toEqual([3, 3]);
  });

  test('ends before a log with a lower batch limit', () => {
    const { ledger, add, waves } = createWaves({ maxItems: 10, maxBytes: 10_000 });
    const entries = ['a-1', 'a-2', 'a-3'].map((name) => add(name));
    ledger.halve(entries.slice(2));
    expect([waves.take(), waves.take()]).toEqual([entries.slice(0, 2), entries.slice(2)]);
  });

  test('stays below the size that the server refused', () => {
    const { add, waves } = createWaves({ maxItems: 100, maxBytes: 1_000_000 });
    waves.learnTooLarge(64_000);
    for (let index = 0; index < 50; index++) add(`a-${index}`, { text: 'x'.repeat(3_000) });
    expect(encodeWave(waves.take()).length).toBeLessThanOrEqual(32_000);
  });

  test('is full when the logs of a full request are ready', () => {
    const { add, waves } = createWaves({ maxItems: 2, maxBytes: 10_000 });
    add('a-1');
    expect(waves.isFull).toBe(false);
    add('a-2');
    expect(waves.isFull).toBe(true);
  });
});

describe('the body of a request', () => {
  test('is the JSON of its logs, whatever is in them', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 }).map((value) => value.toWellFormed());
    const late = fc.record({
      output: fc.option(text),
      error: fc.option(text),
      duration: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    });
    fc.assert(
      fc.property(
        fc.array(fc.record({ late, fields: fc.dictionary(fc.constantFrom('a', 'b'), text) }), { minLength: 1 }),
        (logs) => {
          const { ledger } = createLedger();
          const entries = logs.map(({ late: { output, error, duration }, fields }, index) =>
            offeredLog(ledger, `t-${index}`, undefined, {
              body: JSON.stringify(fields),
              late: { output: output ?? undefined, error: error ?? undefined, duration: duration ?? undefined },
            }),
          );
          const expected = logs.map(({ late: { output, error, duration }, fields }, index) => ({
            reference_id: `t-${index}`,
            ...(output !== null && { output }),
            ...(error !== null && { error }),
            ...(duration !== null && { duration }),
            ...fields,
          }));
          expect(JSON.parse(encodeWave(entries).toString())).toEqual(JSON.parse(JSON.stringify(expected)));
        },
      ),
    );
  });

  test('names the nearest ancestor that was not dropped', () => {
    const { ledger } = createLedger();
    const root = offeredLog(ledger, 't-root');
    const middle = offeredLog(ledger, 't-middle', root);
    const leaf = offeredLog(ledger, 't-leaf', middle);
    expect(JSON.parse(encodeWave([leaf]).toString())).toEqual([
      { reference_id: 't-leaf', parent_reference_id: 't-middle' },
    ]);
    ledger.drop(middle, 'redacted');
    expect(JSON.parse(encodeWave([leaf]).toString())).toEqual([
      { reference_id: 't-leaf', parent_reference_id: 't-root' },
    ]);
  });

  test('can be larger than the scratch memory', () => {
    const { ledger } = createLedger();
    const large = { body: JSON.stringify({ text: 'é'.repeat(3_000_000) }) };
    const entries = [offeredLog(ledger, 't-1', undefined, large), offeredLog(ledger, 't-2')];
    expect(JSON.parse(encodeWave(entries).toString())).toHaveLength(2);
  });
});
