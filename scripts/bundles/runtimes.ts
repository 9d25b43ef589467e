/** Trials of runtimes other than Node, of other versions of Node, and of the server on Node 20. */
import { COMMONJS_APP, MODULE_APP, SDK } from './app.ts';
import type { Trial } from './trial.ts';

const SERVER = `
  import { startServer } from 'humanloop-otel/server';
  const server = await startServer({ port: 0, file: 'logs/logs.db' });
  const { status } = await fetch(server.baseUrl + '/projects');
  console.log('server ' + status);
  await server.close();`;
/** The server is gone: shutdown must resolve nevertheless. */
const DOWN = MODULE_APP.replace(
  'new HumanloopSpanProcessor()',
  `new HumanloopSpanProcessor({ baseUrl: 'http://127.0.0.1:45/v4', flushTimeoutMillis: 1000 })`,
).replace(/provider\.shutdown\(\)[\s\S]*/, `processor.shutdown().then(() => console.log('resolved'));`);
const FILES = { 'app.mjs': MODULE_APP, 'app.cjs': COMMONJS_APP, 'server.mjs': SERVER, 'down.mjs': DOWN };
const PRINTS = ['server 200', 'resolved'];
const NO_SQLITE = 'Use Node 22.13 or later, or run: npm install @photostructure/sqlite';

const stepsWith = (run: string) => ['app.mjs', 'app.cjs', 'server.mjs', 'down.mjs'].map((file) => `${run} ${file}`);

export const RUNTIME_TRIALS: readonly Trial[] = [
  { name: 'Bun', packages: { ...SDK, bun: '1.4.5' }, files: FILES, steps: stepsWith('bun'), logs: 2, prints: PRINTS },
  {
    name: 'Deno',
    packages: { ...SDK, deno: '2.9.6' },
    files: FILES,
    steps: stepsWith('deno run --allow-all'),
    logs: 2,
    prints: PRINTS,
  },
  ...['22', '24', '26'].map(
    (version): Trial => ({
      name: `Node ${version}, nothing else installed`,
      packages: { ...SDK, node: version },
      files: FILES,
      steps: stepsWith('node'),
      logs: 2,
      prints: PRINTS,
    }),
  ),
  {
    name: 'Node 20: the server says what it needs, and works with it',
    packages: { ...SDK, node: '20' },
    files: FILES,
    steps: [
      'node node_modules/.bin/humanloop-otel serve --port 0 2>&1 || true',
      'npm install --no-audit --no-fund --loglevel error @photostructure/sqlite@1.2.1',
      ...stepsWith('node'),
    ],
    logs: 2,
    prints: [NO_SQLITE, ...PRINTS],
  },
];
