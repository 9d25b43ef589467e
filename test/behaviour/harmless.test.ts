/**
 * What the package must never do to an app, tested from outside, in the app's own process: throw, reject unhandled,
 * keep it alive, trace its own requests, print the key.
 */
import { expect, test } from 'vitest';
import { type AppResult, createApp, runApp } from '../support/installed-app.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';

const KEY = 'hl_sk_4f1c0ffee';
const REFUSED = 'http://127.0.0.1:9/v4';
const STRICT = ['--unhandled-rejections=strict', '--trace-warnings'];
const PACKAGES = [
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/context-async-hooks',
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/instrumentation-undici',
];

/** Runs one of `apps/` until it ends. */
async function run(name: string, baseUrl: string, ...args: string[]): Promise<AppResult> {
  const app = await createApp({ packages: PACKAGES, programs: { 'app.mjs': `test/behaviour/apps/${name}.ts` } });
  // What is wrong with the server would be said on stderr; everything else there is a fault.
  const env = { HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_API_KEY: KEY, HUMANLOOP_QUIET: 'true' };
  return runApp(app, [...STRICT, 'app.mjs', ...args], { env });
}

test('an app does not notice hooks that throw and reject, or spans that break every rule', async () => {
  const server = await startMisbehavingV4();
  const { code, stdout, stderr } = await run('failing-hooks', server.baseUrl);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('done\n');
  expect(stdout).not.toContain(KEY);
});

test.each([
  ['takes everything', undefined, '1'],
  ['refuses connections', REFUSED, '0'],
])('an app that neither flushes nor shuts down ends by itself, where the server %s', async (_, address, expected) => {
  const server = await startMisbehavingV4();
  const { code, stdout, stderr } = await run('no-flush', address ?? server.baseUrl);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [, logged, waitedMillis] = /^(\d+) (\d+)$/m.exec(stdout) ?? [];
  expect(logged).toBe(expected);
  // The deadlines of a flush and of requests are 10 s and more.
  expect(Number(waitedMillis)).toBeLessThan(8_000);
});

test.each([
  ['shuts down after that', true],
  ['does not', false],
])(
  'an app that awaits a flush gets its result, although nothing else keeps it alive, and ends by itself if it %s',
  async (_, shutsDown) => {
    const { code, stdout, stderr } = await run('awaited-flush', REFUSED, ...(shutsDown ? ['--shutdown'] : []));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^HumanloopError 1 logs? (was|were) not acknowledged within \d+ ms$/m);
    expect(stdout.includes('\nshut down {"shutdown":1}\n')).toBe(shutsDown);
  },
);

test('import and set-up start no timer and no connection, and need no environment variables', async () => {
  const app = await createApp({ programs: { 'app.mjs': 'test/behaviour/apps/import-only.ts' } });
  const line = 'humanloop-otel: no span has come, and no tracer provider is registered: ';
  const result = await runApp(app, [...STRICT, 'app.mjs']);
  expect(result).toEqual({ code: 0, stdout: '0 {}\n', stderr: expect.stringMatching(`^${line}.*\n$`) });
  const quiet = await runApp(app, [...STRICT, 'app.mjs'], { env: { HUMANLOOP_QUIET: 'true' } });
  expect(quiet).toEqual({ code: 0, stdout: '0 {}\n', stderr: '' });
});

test('no failure of server or hooks reaches the app, however long it lasts', async () => {
  const kinds = ['reset', 'cut', 'hang', 'html'] as const;
  const server = await startMisbehavingV4({
    fault: (_, index) => ({ answer: (index % 5 === 4 && kinds[(index >> 2) % 4]) || { status: 500, body: 'no' } }),
  });
  const { code, stdout, stderr } = await run('under-fire', server.baseUrl);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const accounts = [...stdout.matchAll(/ended (\d+), accounted (\d+)/g)];
  expect(accounts).toHaveLength(2);
  for (const [, ended, accounted] of accounts) expect(accounted).toBe(ended);
  expect(server.breaches).toEqual([]);
  // Each kind of failure has come.
  expect(server.requests.length).toBeGreaterThanOrEqual(20);
});

test('with every instrumentation on, the own requests create no spans: not the first ones, not retries, not those of timers', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 503 } } : undefined),
  });
  const { code, stdout, stderr } = await run('instrumented', server.baseUrl);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // The last one is the app's own request: the instrumentations work.
  expect(stdout.trim().split('\n').at(-1)).toBe('["chat","agent","GET"]');
  expect(server.requests.length).toBeGreaterThan(2);
  expect(stdout).not.toContain(KEY);
});
