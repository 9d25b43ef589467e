/** Some of the trials of `npm run bundles`: the environments that differ most from Node, from the packed package. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { EDGE_TRIALS } from '../../scripts/bundles/edge.ts';
import { NEXT_TRIALS } from '../../scripts/bundles/next.ts';
import { packPackage } from '../../scripts/bundles/pack.ts';
import { RUNTIME_TRIALS } from '../../scripts/bundles/runtimes.ts';
import { runTrial } from '../../scripts/bundles/trial.ts';

const NAMES = [
  'Bun',
  'Deno',
  'workerd (Cloudflare Workers)',
  'edge-runtime (Vercel)',
  'Next.js, Turbopack, @vercel/otel, build and start',
  'Next.js, webpack, own provider, dev',
];
const trials = [...RUNTIME_TRIALS, ...EDGE_TRIALS, ...NEXT_TRIALS].filter(({ name }) => NAMES.includes(name));

/** What npm prints where it cannot reach a registry, or where that does not have a package. */
const UNREACHABLE =
  /npm (?:error|ERR!) code (?:E404|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH)/;

test.for(trials)('$name', { timeout: 600_000 }, async (trial, { skip }) => {
  const { tarball, remove } = await packPackage(inject('builtPackage'));
  onTestFinished(remove);
  const result = await runTrial(trial, tarball);
  if (UNREACHABLE.test(result.text)) {
    console.warn(`${trial.name} is left out: its packages cannot be had here\n${result.text.slice(0, 500)}`);
    skip('its packages cannot be had here');
  }
  expect(result).toMatchObject({ passed: true, text: `logs: ${trial.logs}` });
});

test('the trials are found', () => {
  expect(trials).toHaveLength(NAMES.length);
});
