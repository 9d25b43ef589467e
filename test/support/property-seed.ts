/** Makes the properties ask the same cases in each run: those of PROPERTY_SEED, a whole number. */
import fc from 'fast-check';

const seed = Number(process.env['PROPERTY_SEED']);
if (!Number.isInteger(seed)) throw new Error('PROPERTY_SEED must be a whole number, or `random`');
fc.configureGlobal({ seed });
