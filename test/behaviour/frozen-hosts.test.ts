/** Hosts that freeze the process between invocations, and apps that block their own event loop. */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createApp, resultOf, startApp } from '../support/installed-app.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor } from '../support/traced-app.ts';

test('a process that is frozen in between, with connections cut and answers late, loses nothing', async () => {
  const server = await startMisbehavingV4();
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-base'],
    programs: { 'app.mjs': 'test/behaviour/apps/invocations.ts' },
  });
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const child = startApp(app, ['--unhandled-rejections=strict', 'app.mjs'], { env });
  const result = resultOf(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const invoke = async (name: string) => {
    child.stdin.write(`${name}\n`);
    return (await lines.next()).value;
  };
  const freeze = async () => {
    child.kill('SIGSTOP');
    server.cutConnections();
    // Longer than the time-out of a request: answers are too late when the process continues.
    await sleep(700);
    child.kill('SIGCONT');
  };
  expect(await invoke('first')).toBe('first: flushed');
  await freeze();
  expect(await invoke('after a freeze')).toBe('after a freeze: flushed');
  server.fault = () => ({ answer: 'hang' });
  expect(await invoke('no answer')).toMatch(/^no answer: 1 logs? (was|were) not acknowledged within N ms$/);
  await freeze();
  server.fault = undefined;
  expect(await invoke('thawed')).toBe('thawed: flushed');
  child.stdin.end();
  expect(await result).toMatchObject({ code: 0, stderr: '' });
  const names = [...server.logs.values()].map(({ metadata }) => metadata?.['span_name']);
  expect(names.sort()).toEqual(['after a freeze', 'first', 'no answer', 'thawed']);
  expect(server.breaches).toEqual([]);
});

test('an event loop that is blocked for longer than every deadline loses nothing and sends nothing twice', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 20 }) });
  const app = appWithProcessor(server, { timeoutMillis: 150, holdMillis: 50 });
  for (let round = 0; round < 5; round++) {
    const root = app.start('root', { attributes: AGENT });
    for (let left = 10; left > 0; left--) app.start('child', { parent: root, attributes: AGENT }).end();
    root.end();
    await sleep(15);
    const untilMillis = performance.now() + 250;
    while (performance.now() < untilMillis);
  }
  await app.client.forceFlush();
  app.expectDelivered();
});
