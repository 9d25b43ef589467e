/** Hosts that freeze between invocations, hosts that forbid work at import, and processes that must outlive all of it. */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor } from '../support/traced-app.ts';
import { outcomeOf, startChild } from './run-child.ts';

test('20: a flush needs no timer to go off', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const options = { holdMillis: 60_000 };
  for (const app of [appWithProcessor(server, options), appWithExporter(server, options)]) {
    const root = app.start('invocation', { attributes: AGENT });
    app.start('call', { parent: root }).end();
    root.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
  }
});

test('20: a process that is frozen in between, with connections cut and answers late, loses nothing', async () => {
  const server = await startMisbehavingV4();
  const child = startChild('invocations.ts', { HUMANLOOP_BASE_URL: server.baseUrl });
  const outcome = outcomeOf(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const invoke = async (name: string) => {
    child.stdin.write(`${name}\n`);
    return (await lines.next()).value;
  };
  const freeze = async () => {
    child.kill('SIGSTOP');
    server.cutConnections();
    // Longer than the time-out of a request: what was in flight is late when the process goes on.
    await sleep(600);
    child.kill('SIGCONT');
  };
  expect(await invoke('first')).toBe('first: flushed');
  await freeze();
  expect(await invoke('after a freeze')).toBe('after a freeze: flushed');
  server.fault = () => ({ answer: 'hang' });
  expect(await invoke('no answer')).toBe('no answer: 1 logs were not acknowledged within N ms');
  await freeze();
  server.fault = undefined;
  expect(await invoke('thawed')).toBe('thawed: flushed');
  child.stdin.end();
  expect(await outcome).toMatchObject({ code: 0, err: '' });
  const names = [...server.logs.values()].map(({ metadata }) => (metadata as { span_name: string }).span_name);
  expect(names.sort()).toEqual(['after a freeze', 'first', 'no answer', 'thawed']);
  expect(server.breaches).toEqual([]);
});

test('21: import and set-up start no timer and no connection, and need no environment', async () => {
  const child = startChild('import-only.ts');
  expect(await outcomeOf(child)).toMatchObject({ code: 0, out: '0 {}\n', err: '' });
});

test('37: no failure of server or hooks reaches the app, for as long as it lasts', async () => {
  const kinds = ['reset', 'cut', 'hang', 'html'] as const;
  const server = await startMisbehavingV4({
    fault: (_, index) => ({ answer: (index % 5 === 4 && kinds[(index >> 2) % 4]) || { status: 500, body: 'no' } }),
  });
  const { code, out, err } = await outcomeOf(startChild('under-fire.ts', { HUMANLOOP_BASE_URL: server.baseUrl }));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const accounts = [...out.matchAll(/ended (\d+), accounted (\d+)/g)];
  expect(accounts).toHaveLength(2);
  for (const [, ended, accounted] of accounts) expect(accounted).toBe(ended);
  expect(server.breaches).toEqual([]);
  expect(server.requests.length).toBeGreaterThan(100);
});

test('37: a process with an unreachable server ends by itself', async () => {
  const child = startChild('invocations.ts', { HUMANLOOP_BASE_URL: 'http://127.0.0.1:9/v4' });
  child.stdin.write('one\n');
  child.stdin.end();
  expect(await outcomeOf(child)).toMatchObject({ code: 0, err: '', out: expect.stringContaining('not acknowledged') });
});
