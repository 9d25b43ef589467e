/** Makes the properties ask the same cases in each run: those of PROPERTY_SEED, a whole number. */
import fc from 'fast-check';

const text = process.env['PROPERTY_SEED'] ?? 'random';
if (text !== 'random') {
  const seed = Number(text);
  if (!Number.isInteger(seed)) throw new Error('PROPERTY_SEED must be a whole number, or `random`');
  fc.configureGlobal({ seed });
}
