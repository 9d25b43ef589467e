import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogEntry } from '../../src/delivery/log-entry.ts';
import { encodeWave, Waves } from '../../src/delivery/waves.ts';

function readyEntry(reference: string, fields: Record<string, unknown> = {}, parent?: LogEntry): LogEntry {
  const entry = new LogEntry(reference, parent, []);
  entry.body = JSON.stringify(fields);
  entry.state = 'ready';
  return entry;
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
          const waves = new Waves({ maxItems, maxBytes });
          const entries = sizes.map((size, index) => readyEntry(`r-${index}`, { text: 'x'.repeat(size) }));
          for (const entry of entries) waves.add(entry);
          const taken: LogEntry[] = [];
          while (waves.length > 0) {
            const wave = waves.take();
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
    const waves = new Waves({ maxItems: 10, maxBytes: 10_000 });
    const [first, second] = [readyEntry('a-1'), readyEntry('a-2')];
    waves.add(first);
    waves.add(second);
    first.state = 'dropped';
    expect(waves.take()).toEqual([second]);
  });

  test('is halved for logs among which a bad one is looked for', () => {
    const waves = new Waves({ maxItems: 10, maxBytes: 10_000 });
    const entries = Array.from({ length: 6 }, (_, index) => readyEntry(`a-${index}`));
    for (const entry of entries) {
      entry.batchLimit = 3;
      waves.add(entry);
    }
    expect([waves.take().length, waves.take().length]).toEqual([3, 3]);
  });

  test('stays below what the server found too large', () => {
    const waves = new Waves({ maxItems: 100, maxBytes: 1_000_000 });
    waves.learnTooLarge(64_000);
    for (let index = 0; index < 50; index++) waves.add(readyEntry(`a-${index}`, { text: 'x'.repeat(3_000) }));
    expect(encodeWave(waves.take()).length).toBeLessThanOrEqual(32_000);
  });
});

describe('the body of a request', () => {
  test('is the JSON of its logs, whatever they hold', () => {
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
          const entries = logs.map(({ late: { output, error, duration }, fields }, index) => {
            const entry = readyEntry(`t-${index}`, fields);
            entry.desire({ output: output ?? undefined, error: error ?? undefined, duration: duration ?? undefined });
            return entry;
          });
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
    const root = readyEntry('t-root');
    const middle = readyEntry('t-middle', {}, root);
    const leaf = readyEntry('t-leaf', {}, middle);
    expect(JSON.parse(encodeWave([leaf]).toString())).toEqual([
      { reference_id: 't-leaf', parent_reference_id: 't-middle' },
    ]);
    middle.state = 'dropped';
    expect(JSON.parse(encodeWave([leaf]).toString())).toEqual([
      { reference_id: 't-leaf', parent_reference_id: 't-root' },
    ]);
  });

  test('larger than the memory that is used again', () => {
    const entries = [readyEntry('t-1', { text: 'é'.repeat(3_000_000) }), readyEntry('t-2')];
    expect(JSON.parse(encodeWave(entries).toString())).toHaveLength(2);
  });
});
