/** `OTEL_LOG_LEVEL` with `register`: what is reported to `diag` is on the console, unless the app has a logger. */
import { expect, test } from 'vitest';
import { createApp, runApp } from '../support/installed-app.ts';

const REPORT = `
  import { diag } from '@opentelemetry/api';
  diag.error('an error');
  diag.warn('a warning');
  diag.debug('a detail');`;
const OWN_LOGGER = `
  import { diag } from '@opentelemetry/api';
  const print = (message) => console.log('own: ' + message);
  diag.setLogger({ error: print, warn: print, info: print, debug: print, verbose: print });`;

async function linesOf(level: string | undefined, ...preloaded: string[]): Promise<string[]> {
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node'],
    files: { 'app.mjs': REPORT, 'logger.mjs': OWN_LOGGER },
  });
  const args = [...preloaded, '--import', 'humanloop-otel/register', 'app.mjs'];
  const env = { HUMANLOOP_QUIET: 'true', HUMANLOOP_BASE_URL: 'http://127.0.0.1:9/v4' };
  const { code, stdout, stderr } = await runApp(app, args, {
    env: { ...env, ...(level && { OTEL_LOG_LEVEL: level }) },
  });
  expect(code).toBe(0);
  return (stdout + stderr).split('\n').filter((line) => /an error|a warning|a detail/.test(line));
}

test.each([
  ['debug', ['a detail', 'an error', 'a warning']],
  [' WARN ', ['an error', 'a warning']],
  ['none', []],
  ['loud', []],
  [undefined, []],
])('OTEL_LOG_LEVEL=%s', async (level, lines) => {
  expect(await linesOf(level)).toEqual(lines);
});

test('a logger of the app stays', async () => {
  expect(await linesOf('debug', '--import', './logger.mjs')).toEqual(['own: an error', 'own: a warning']);
});
