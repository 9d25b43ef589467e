/** Some of the trials of `npm run bundles`: the environments that differ most from Node, from the packed package. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { NEXT_TRIALS } from '../../scripts/bundles/next.ts';
import { packPackage } from '../../scripts/bundles/pack.ts';
import { RUNTIME_TRIALS } from '../../scripts/bundles/runtimes.ts';
import { runTrial } from '../../scripts/bundles/trial.ts';

const NAMES = [
  'Bun',
  'Deno',
  'Next.js, Turbopack, @vercel/otel, build and start',
  'Next.js, webpack, own provider, dev',
];
const trials = [...RUNTIME_TRIALS, ...NEXT_TRIALS].filter(({ name }) => NAMES.includes(name));

test.each(trials)('$name', { timeout: 600_000 }, async (trial) => {
  const { tarball, remove } = await packPackage(inject('builtPackage'));
  onTestFinished(remove);
  expect(await runTrial(trial, tarball)).toMatchObject({ passed: true, text: `logs: ${trial.logs}` });
});

test('the trials are found', () => {
  expect(trials).toHaveLength(NAMES.length);
});
