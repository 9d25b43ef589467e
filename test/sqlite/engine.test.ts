/** Which engine is found, in processes of their own: this one has already loaded its engine. */
import { expect, test } from 'vitest';
import { createApp, runApp } from '../support/installed-app.ts';

const SPOOL = `
  import { HumanloopSpanProcessor } from 'humanloop-otel';
  new HumanloopSpanProcessor({});
  try {
    await new HumanloopSpanProcessor({ spool: { directory: 'spool' } }).shutdown();
    console.log('works');
  } catch (error) {
    console.log(error.message);
  }`;
const SERVER = `
  import { startServer } from 'humanloop-otel/server';
  const server = await startServer({ port: 0, file: ':memory:' }).catch((error) => console.log(error.message));
  if (server) console.log('works');
  await server?.close();`;
const PROGRAMS = { spool: SPOOL, server: SERVER };
/** Leaves only the engine that apps on Node 20 install. */
const WITHOUT_BUILTIN = process.getBuiltinModule('node:sqlite') ? ['--no-experimental-sqlite'] : [];

test.each(['spool', 'server'] as const)('%s: without an engine, one line says what to do', async (program) => {
  const app = await createApp({ files: { 'app.mjs': PROGRAMS[program] } });
  const { code, stdout } = await runApp(app, [...WITHOUT_BUILTIN, 'app.mjs']);
  expect([code, stdout]).toEqual([
    0,
    `No SQLite engine: Node ${process.versions.node} has none of its own. ` +
      'Use Node 22.13 or later, or run: npm install @photostructure/sqlite\n',
  ]);
});

test.each(['spool', 'server'] as const)('%s: the installed engine is found', async (program) => {
  const app = await createApp({ packages: ['@photostructure/sqlite'], files: { 'app.mjs': PROGRAMS[program] } });
  const result = await runApp(app, [...WITHOUT_BUILTIN, 'app.mjs']);
  expect(result).toMatchObject({ code: 0, stdout: 'works\n' });
});

test('an engine that does not load is not reported as missing', async () => {
  const broken = { 'node_modules/@photostructure/sqlite/index.js': `throw new Error('wrong platform');` };
  const app = await createApp({ files: { ...broken, 'app.mjs': SPOOL } });
  const { stdout } = await runApp(app, [...WITHOUT_BUILTIN, 'app.mjs']);
  expect(stdout).toContain('repair @photostructure/sqlite, which is installed and does not load (wrong platform)');
});

test('the app in the working directory may have the engine, for a package that is elsewhere', async () => {
  const [elsewhere, app] = await Promise.all([
    createApp({ files: { 'app.mjs': SPOOL } }),
    createApp({ packages: ['@photostructure/sqlite'] }),
  ]);
  const { stdout } = await runApp(app, [...WITHOUT_BUILTIN, `${elsewhere}/app.mjs`]);
  expect(stdout).toBe('works\n');
});
