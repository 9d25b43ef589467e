/** What `npm start` and `npm run example` run, in processes of their own, against the sources instead of the build. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const TIMEOUT_MILLIS = 60_000;

/** No key, address or setting of the person who runs the tests. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OPENAI|HUMANLOOP|OTEL)_|^NO_COLOR$/.test(name)),
);

function start(script: string, ...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--import', 'tsx', `scripts/${script}`, ...args], { env: ENVIRONMENT });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output: () => output };
}

async function run(script: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const { child, output } = start(script, ...args);
  const [code] = await once(child, 'close');
  return { code, output: output() };
}

async function databaseFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'humanloop-otel-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, 'logs.db');
}

test('npm start -- --once shows what the app logged and exits', { timeout: TIMEOUT_MILLIS }, async () => {
  const { code, output } = await run('start.ts', '--once', '--port', '0', '--db', await databaseFile());
  expect(output).toMatch(/Server {2}http:\/\/127\.0\.0\.1:\d+\/v4/);
  expect(output).toContain('Model   scripted answers');
  expect(output).toMatch(/14 logs sent, \d+ of them completed later/);
  expect(output).toMatch(/^chat-\w+ {2}2 logs$/m);
  expect(output).toMatch(/^└─ agent +trip-planner \(gpt-4o-mini\) +[\d.]+ s +(↻ )?Take the 08:03/m);
  expect(output).toMatch(/^ {3}├─ tool +get_weather .* {"city":"Oslo"/m);
  expect(output).toMatch(/✗ .*Rate limit/);
  expect(output).toMatch(/agent +researcher .* ↻ The line over the mountains/);
  expect(code).toBe(0);
});

test('npm start serves until it is interrupted', { timeout: TIMEOUT_MILLIS }, async () => {
  const { child, output } = start('start.ts', '--port', '0', '--db', await databaseFile());
  await expect.poll(output, { timeout: TIMEOUT_MILLIS }).toContain('until Ctrl-C');
  const [, url] = /Serving (\S+) until/.exec(output()) ?? [];
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
});

test('a port in use is one clear line and exit code 1', { timeout: TIMEOUT_MILLIS }, async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());
  const { port } = squatter.address() as import('node:net').AddressInfo;
  const { code, output } = await run('start.ts', '--port', String(port), '--db', await databaseFile());
  expect(output).toBe(
    `port ${port} is in use: stop what listens there, or choose another with npm start -- --port NUMBER\n`,
  );
  expect(code).toBe(1);
});

test.each([['--port', 'many'], ['--unknown'], ['--port', '70000']])(
  '%s %s is refused with the usage',
  async (...args) => {
    const { code, output } = await run('start.ts', ...args);
    expect(output).toContain('Usage: npm start -- [--port NUMBER] [--db FILE] [--once]');
    expect(code).toBe(2);
  },
);

test('an unknown example names those that there are, and all are in the index', async () => {
  const { code, output } = await run('example.ts', 'no-such-example');
  expect(code).toBe(1);
  expect(output).toContain('There is no example no-such-example.');
  const names = (await readdir('examples')).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3));
  for (const name of names) expect(output).toMatch(new RegExp(`^ {2}${name} +[A-Z]`, 'm'));
});
