/** What is true of the ledger after each step, for any steps in any order. */
import fc from 'fast-check';
import { test } from 'vitest';
import { LedgerModel } from './ledger-model.ts';

const text = fc.option(fc.string({ maxLength: 600 }), { nil: undefined });
const late = fc.record({ output: text, error: text, duration: fc.option(fc.nat(9), { nil: undefined }) });
const offer = fc.record({
  body: fc.string({ maxLength: 600 }).map((value) => JSON.stringify({ text: value })),
  late,
  asBytes: fc.boolean(),
  isFinal: fc.boolean(),
  mayBeStored: fc.nat(9).map((dice) => dice === 0),
});
const index = fc.nat(20);
const offers = fc.array(fc.tuple(index, offer), { minLength: 1, maxLength: 3 });
const answer = fc.constantFrom('taken', 'refused', 'unknown', 'tooLarge', 'later');

type Step = readonly [name: string, act: (model: LedgerModel) => void];

/** Steps that bring a log forward are more frequent than steps that end it. */
const step: fc.Arbitrary<Step> = fc.oneof(
  ...[
    { weight: 6, arbitrary: fc.tuple(index, index).map(([a, b]) => named('expect', a, b)) },
    { weight: 8, arbitrary: offers.map((a) => named('accept', a)) },
    { weight: 3, arbitrary: fc.tuple(index, late).map(([a, b]) => named('override', a, b)) },
    { weight: 1, arbitrary: index.map((a) => named('expectOverride', a)) },
    { weight: 1, arbitrary: index.map((a) => named('finish', a)) },
    { weight: 1, arbitrary: index.map((a) => named('drop', a)) },
    { weight: 1, arbitrary: fc.constant(named('dropOldestTrace')) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }).map((a) => named('send', a)) },
    { weight: 6, arbitrary: index.map((a) => named('store', a)) },
    { weight: 2, arbitrary: fc.tuple(index, fc.boolean()).map(([a, b]) => named('loseAnswer', a, b)) },
    { weight: 2, arbitrary: fc.tuple(index, index, fc.boolean()).map(([a, b, c]) => named('refuse', a, b, c)) },
    { weight: 8, arbitrary: fc.constant(named('takePatch')) },
    { weight: 8, arbitrary: fc.tuple(index, answer).map(([a, b]) => named('answerUpdate', a, b)) },
    { weight: 3, arbitrary: fc.tuple(index, fc.nat(15)).map(([a, b]) => named('answerProbes', a, b)) },
    { weight: 1, arbitrary: fc.tuple(fc.boolean(), fc.boolean()).map(([a, b]) => named('recover', a, b)) },
    { weight: 4, arbitrary: fc.constant(named('writeSpool')) },
    { weight: 4, arbitrary: fc.constant(named('unload')) },
    { weight: 1, arbitrary: index.map((a) => named('loseRow', a)) },
    { weight: 2, arbitrary: fc.constant(named('addBarrier')) },
  ],
);

type Method = Exclude<keyof LedgerModel, 'check' | 'end'>;

function named<Name extends Method>(name: Name, ...values: Parameters<LedgerModel[Name]>): Step {
  const call = (model: LedgerModel) => (model[name] as (...values: unknown[]) => void)(...values);
  return [`${name}(${JSON.stringify(values).slice(1, -1)})`, call];
}

test('parents go before children, the sums are right, flushes end in time, and the spool knows what a restart needs', async () => {
  const maxElapsedMillis = fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), maxElapsedMillis, async (steps, millis) => {
      const model = new LedgerModel(millis);
      for (const [, act] of steps) await model.check(() => act(model));
      await model.end();
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 300) },
  );
});
