/** `humanloop-otel/register` sends the last logs when a process ends, and the process ends as it would have. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, resultOf, runApp, startApp } from '../support/installed-app.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { startTestServer } from '../support/start-test-server.ts';

const REGISTER = ['--import', 'humanloop-otel/register'];
const PACKAGES = ['@opentelemetry/sdk-trace-node'];
/** Traces a call, and leaves an agent open. */
const TRACE = `
  import { trace } from '@opentelemetry/api';
  const tracer = trace.getTracer('app');
  tracer.startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' } }).end();
  tracer.startSpan('agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } });`;
const WAIT = `setInterval(() => undefined, 1000); console.log('ready');`;

async function appWith(end: string): Promise<string> {
  return createApp({ packages: PACKAGES, files: { 'app.mjs': `${TRACE}\n${end}` } });
}

/** Runs the app until it is ready, and sends it the signals. */
async function runAndSignal(end: string, baseUrl: string, signals: readonly NodeJS.Signals[], pauseMillis = 0) {
  const app = await appWith(end);
  const child = startApp(app, [...REGISTER, 'app.mjs'], { env: { HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_QUIET: '1' } });
  child.stdout.setEncoding('utf8');
  await once(child.stdout, 'data');
  const result = resultOf(child);
  for (const signal of signals) {
    child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, pauseMillis));
  }
  return { ...(await result), signal: child.signalCode };
}

async function logsOf(baseUrl: string) {
  const logs = await readLogs(baseUrl, new Date(0));
  return logs.map(({ config, error }) => `${config?.type}${error ? `: ${error}` : ''}`).sort();
}
const CLOSED = 'generic: span did not end before shutdown';
const UNCLOSED = ['model'];
const ALL = [CLOSED, 'model'];

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s: all logs arrive, and the signal ends the process',
  async (signal) => {
    const { baseUrl } = await startTestServer();
    const result = await runAndSignal(WAIT, baseUrl, [signal]);
    expect(result).toMatchObject({ code: null, signal, stderr: '' });
    expect(await logsOf(baseUrl)).toEqual(ALL);
  },
);

test('a handler of the app decides when the process ends, and with which code', async () => {
  const { baseUrl } = await startTestServer();
  const handler = `process.on('SIGTERM', () => setTimeout(() => { console.log('closed'); process.exit(5); }, 2_000));`;
  const result = await runAndSignal(handler + WAIT, baseUrl, ['SIGTERM']);
  expect(result).toMatchObject({ code: 5, signal: null, stdout: 'closed\n' });
  expect(await logsOf(baseUrl)).toEqual(UNCLOSED);
});

test('a handler that does not end the process keeps it alive', async () => {
  const { baseUrl } = await startTestServer();
  const handler = `
    let count = 0;
    process.on('SIGINT', () => { console.log('again'); if (++count === 3) process.exit(6); });`;
  const result = await runAndSignal(handler + WAIT, baseUrl, ['SIGINT', 'SIGINT', 'SIGINT'], 300);
  expect(result).toMatchObject({ code: 6, stdout: 'again\nagain\nagain\n' });
});

test('with a handler that is called once, a second signal ends the process', async () => {
  const { baseUrl } = await startTestServer();
  const handler = `process.once('SIGINT', () => console.log('press again'));`;
  const result = await runAndSignal(handler + WAIT, baseUrl, ['SIGINT', 'SIGINT'], 300);
  expect(result).toMatchObject({ code: null, signal: 'SIGINT', stdout: 'press again\n' });
  expect(await logsOf(baseUrl)).toEqual(ALL);
});

test('a library that ends the process if nobody else listens still does', async () => {
  const { baseUrl } = await startTestServer();
  // What signal-exit does, which many programs of the terminal have.
  const handler = `
    const listener = () => {
      if (process.listeners('SIGTERM').length !== 1) return;
      console.log('alone');
      process.off('SIGTERM', listener);
      process.kill(process.pid, 'SIGTERM');
    };
    process.on('SIGTERM', listener);`;
  const result = await runAndSignal(handler + WAIT, baseUrl, ['SIGTERM']);
  expect(result).toMatchObject({ code: null, signal: 'SIGTERM', stdout: 'alone\n' });
  expect(await logsOf(baseUrl)).toEqual(ALL);
});

test('a server that hangs delays the end by the exit time-out, and a second signal ends it at once', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const app = await appWith(WAIT);
  for (const [timeout, signals, atLeast, below] of [
    ['1500', 1, 1_400, 15_000],
    ['60000', 2, 200, 20_000],
  ] as const) {
    const env = { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_EXIT_TIMEOUT_MILLIS: timeout };
    const child = startApp(app, [...REGISTER, 'app.mjs'], { env });
    await once(child.stdout, 'data');
    const result = resultOf(child);
    const startedAt = performance.now();
    for (let count = 0; count < signals; count++) {
      child.kill('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const { stderr } = await result;
    expect(child.signalCode).toBe('SIGTERM');
    expect(performance.now() - startedAt).toBeGreaterThan(atLeast);
    expect(performance.now() - startedAt).toBeLessThan(below);
    const lost = 'up to 2 logs are lost: they were not sent within 1500 ms';
    if (signals === 1) expect(stderr).toContain(lost);
  }
});

test.each([
  [
    'an exception',
    `setTimeout(function late() { throw new TypeError('boom'); }, 20);`,
    'TypeError: boom\n    at Timeout.late',
  ],
  ['an exception at the start', `throw new TypeError('boom');`, 'TypeError: boom\n    at file:'],
  ['a rejection', `setTimeout(() => Promise.reject(new TypeError('boom')), 20);`, 'TypeError: boom\n    at '],
  ['a rejection without an error', `setTimeout(() => Promise.reject('boom'), 20);`, 'ERR_UNHANDLED_REJECTION'],
])('%s: all logs arrive, and the process ends with code 1 and what Node prints', async (_, end, printed) => {
  const { baseUrl } = await startTestServer();
  const app = await appWith(`${end}\n${WAIT}`);
  const env = { HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_QUIET: 'true' };
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env });
  const plain = await runApp(app, ['app.mjs']);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain(printed);
  // The line of code above the exception may be missing. Below it, Node's own functions depend on how many timers are due.
  const withoutNode = (text: string) => text.replace(/\n +at [^\n]*\(node:internal\/[^)\n]*\)/g, '');
  expect(result.stderr).not.toBe('');
  expect(withoutNode(plain.stderr).endsWith(withoutNode(result.stderr))).toBe(true);
  expect(result.stderr).not.toContain('node_modules');
  expect(await logsOf(baseUrl)).toEqual(ALL);
});

test('what is thrown without being an error is printed as Node does, but for the line of code', async () => {
  const { baseUrl } = await startTestServer();
  const app = await appWith(`setTimeout(() => { throw { boom: 1 }; }, 20); ${WAIT}`);
  const result = await runApp(app, [...REGISTER, 'app.mjs'], {
    env: { HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_QUIET: '1' },
  });
  const plain = await runApp(app, ['app.mjs']);
  expect(result.code).toBe(1);
  expect(plain.stderr).toMatch(/\^\n/);
  expect(result.stderr.trim()).toBe(plain.stderr.split(/\^\n/)[1]?.trim());
});

test('where the app handles exceptions it goes on, and its logs arrive', async () => {
  const { baseUrl } = await startTestServer();
  const handler = `
    process.on('uncaughtException', ({ message }) => { console.log(message); setTimeout(() => process.exit(4), 2_000); });
    setTimeout(() => { throw new Error('boom'); }, 20);`;
  const app = await appWith(handler);
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env: { HUMANLOOP_BASE_URL: baseUrl } });
  expect(result).toMatchObject({ code: 4, stdout: 'boom\n' });
  expect(await logsOf(baseUrl)).toEqual(UNCLOSED);
});

test('of two exceptions the first is printed', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const app = await appWith(`
    setTimeout(() => { throw new Error('second'); }, 200);
    setTimeout(() => { throw new Error('first'); }, 20);`);
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_EXIT_TIMEOUT_MILLIS: '500' };
  const { code, stderr } = await runApp(app, [...REGISTER, 'app.mjs'], { env });
  expect(code).toBe(1);
  expect(stderr).toContain('Error: first');
  expect(stderr).not.toContain('second');
});

test.each([
  ['refuses connections', async () => 'http://127.0.0.1:9/v4'],
  ['hangs', async () => (await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) })).baseUrl],
])('a process that ends by itself does not wait for long for a server that %s', async (_, serve) => {
  const app = await appWith('');
  const startedAt = performance.now();
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env: { HUMANLOOP_BASE_URL: await serve() } });
  // The deadline of a flush is half a minute.
  expect(performance.now() - startedAt).toBeLessThan(28_000);
  expect(result.code).toBe(0);
  expect(result.stderr).toContain('2 logs are lost, not delivered before the shutdown');
});

test('a process that ends by itself waits for a slow server as long as logs arrive', async () => {
  let answered = 0;
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: answered++ < 6 ? 500 : 0 }) });
  const app = await appWith(`
    for (let count = 0; count < 5; count++)
      tracer.startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' } }).end();`);
  const env = {
    HUMANLOOP_BASE_URL: server.baseUrl,
    HUMANLOOP_BATCH_MAX_ITEMS: '1',
    HUMANLOOP_CONCURRENCY: '1',
    HUMANLOOP_QUIET: '1',
  };
  expect(await runApp(app, [...REGISTER, 'app.mjs'], { env })).toMatchObject({ code: 0, stderr: '' });
  expect(server.logs.size).toBe(7);
});

test('a process that ends by itself sends its logs, also those that its own beforeExit handler makes', async () => {
  const { baseUrl } = await startTestServer();
  const app = await appWith(`
    process.once('beforeExit', () => setTimeout(() => tracer.startSpan('late', { attributes: { 'gen_ai.operation.name': 'chat' } }).end(), 300));`);
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env: { HUMANLOOP_BASE_URL: baseUrl } });
  expect(result.code).toBe(0);
  expect(await logsOf(baseUrl)).toEqual([CLOSED, 'model', 'model']);
});

test('a slow server, and a beforeExit handler that goes on meanwhile: all logs arrive, and spans of the handler may end', async () => {
  let answered = 0;
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: answered++ === 0 ? 1_500 : 0 }) });
  const app = await appWith(`
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
    const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
    process.once('beforeExit', async () => {
      const open = tracer.startSpan('open', { attributes });
      for (let count = 0; count < 8; count++) {
        await pause(100);
        tracer.startSpan('late', { attributes }).end();
      }
      await pause(2_500);
      open.end();
      tracer.startSpan('last', { attributes }).end();
    });`);
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_EXIT_TIMEOUT_MILLIS: '500', HUMANLOOP_QUIET: '1' };
  expect(await runApp(app, [...REGISTER, 'app.mjs'], { env })).toMatchObject({ code: 0, stderr: '' });
  expect([...server.logs.values()].filter((log) => JSON.stringify(log).includes('did not end'))).toHaveLength(1);
  expect(server.logs.size).toBe(12);
});

test('a server that hangs for longer than the process has patience does not keep it alive', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const app = await appWith('');
  const startedAt = performance.now();
  const env = {
    HUMANLOOP_BASE_URL: server.baseUrl,
    HUMANLOOP_EXIT_TIMEOUT_MILLIS: '300',
    HUMANLOOP_TIMEOUT_MILLIS: '60000',
  };
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env });
  expect(performance.now() - startedAt).toBeLessThan(40_000);
  expect(result.stderr).toContain('2 logs are lost, not delivered before the shutdown');
});

test('logs that only a beforeExit handler makes arrive', async () => {
  const { baseUrl } = await startTestServer();
  const files = {
    'app.mjs': `process.once('beforeExit', async () => {
      const { trace } = await import('@opentelemetry/api');
      await new Promise((resolve) => setTimeout(resolve, 100));
      trace.getTracer('app').startSpan('late', { attributes: { 'gen_ai.operation.name': 'chat' } }).end();
    });`,
  };
  const app = await createApp({ packages: PACKAGES, files });
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env: { HUMANLOOP_BASE_URL: baseUrl } });
  expect(result.code).toBe(0);
  expect(await logsOf(baseUrl)).toEqual(['model']);
});

test('process.exit() does not wait, and a line says what is lost', async () => {
  const { baseUrl } = await startTestServer();
  const app = await appWith('process.exit(3);');
  const result = await runApp(app, [...REGISTER, 'app.mjs'], { env: { HUMANLOOP_BASE_URL: baseUrl } });
  expect(result.code).toBe(3);
  expect(result.stderr).toContain(
    'up to 2 logs are lost: the process has ended before they were sent. Await forceFlush() before process.exit()',
  );
  expect(result.stderr.match(/ lost/g)).toHaveLength(1);
  const quiet = { HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_QUIET: '1' };
  expect((await runApp(app, [...REGISTER, 'app.mjs'], { env: quiet })).stderr).toBe('');
});

test.skipIf(process.getuid?.() !== 0)('as the first process of a container it ends on SIGTERM', async () => {
  const { baseUrl } = await startTestServer();
  const app = await appWith(WAIT.replace(`'ready'`, 'process.pid'));
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child', process.execPath, ...REGISTER, 'app.mjs'], {
    cwd: app,
    env: { ...process.env, NODE_OPTIONS: '', HUMANLOOP_BASE_URL: baseUrl, HUMANLOOP_QUIET: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = await once(child.stdout, 'data');
  expect(String(pid)).toBe('1\n');
  const [first] = String(spawnedBy(child.pid as number))
    .trim()
    .split(' ');
  process.kill(Number(first), 'SIGTERM');
  const [code] = await once(child, 'close');
  expect(code).toBe(143);
  expect(await logsOf(baseUrl)).toEqual(ALL);
});

function spawnedBy(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
}
