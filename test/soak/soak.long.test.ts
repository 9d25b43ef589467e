/** The soak for two minutes, and what it says of a server that loses, doubles or keeps what it should not. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { call, get, post } from '../../scripts/soak/call.ts';
import { checkLogs, checkSearch, findErasedIn } from '../../scripts/soak/check.ts';
import { Ledger } from '../../scripts/soak/ledger.ts';
import { judge } from '../../scripts/soak/report.ts';
import { runSoak } from '../../scripts/soak/run-soak.ts';
import { startServerProcess } from '../../scripts/soak/start-server.ts';
import { startTestServer, temporaryDirectory } from '../support/start-test-server.ts';

/** Without it the soak is left out: beside other tests its clients get answers too late to know what became of a log. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 0);
/** What hangs, on a machine of any speed. `npm run soak` says what takes longer than a second. */
const MAX_MILLIS = 10_000;
if (MINUTES === 0) console.log('the soak itself is left out: `npm run test:soak` runs it, alone');

test.skipIf(MINUTES === 0)(
  `after ${MINUTES} minutes of everything side by side, all that was acknowledged is there once, memory is flat, and no request hung`,
  {
    timeout: MINUTES * 60_000 + 600_000,
  },
  async () => {
    const { text, faults, misses } = judge(
      await runSoak({ directory: temporaryDirectory(), minutes: MINUTES }),
      MAX_MILLIS,
    );
    console.log(text);
    expect(faults).toEqual([]);
    expect(misses).toEqual([]);
  },
);

test('a server that has just been killed cannot be measured, and its end is still told', async () => {
  const server = await startServerProcess({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => server.kill());
  process.kill(server.child.pid!, 'SIGKILL');
  // It is dead, and this process has not heard of it: the message meets a closed pipe.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await expect(server.measure()).rejects.toThrow('the server has ended (SIGKILL)');
  expect(await server.ended).toBe('SIGKILL');
});

async function storeTwo() {
  const file = join(temporaryDirectory(), 'logs.db');
  const { url } = await startTestServer({ file });
  const ledger = new Ledger();
  const session = ledger.newSession('assistant');
  const logs = [ledger.newLog(session, 'answer', true), ledger.newLog(session, 'answer', false)] as const;
  const toBody = (log: (typeof logs)[number]) => ({
    project: 'assistant',
    session_reference_id: session.reference,
    ...(log.reference && { reference_id: log.reference }),
    config: { model: 'm' },
    inputs: { marker: log.marker },
    output: log.output,
  });
  const { text } = await call(url, post('/v4/logs', logs.map(toBody)));
  const created = JSON.parse(text) as { id: string }[];
  for (const [index, log] of logs.entries()) Object.assign(log, { fate: 'stored', id: created[index]!.id });
  await expect
    .poll(async () => JSON.parse((await call(url, get('/viewer/api/sessions?size=1'))).text))
    .not.toHaveProperty('indexing');
  return { file, url, ledger, logs, toBody };
}

test('a log that is lost, changed, doubled or not known is a fault', async () => {
  const { url, ledger, logs, toBody } = await storeTwo();
  const [named, unnamed] = logs;
  expect(await checkLogs(url, ledger)).toEqual({ faults: [], logs: { stored: 2, deleted: 0, unsure: 0, found: 2 } });
  expect(await checkSearch(url, ledger, 10)).toEqual([]);
  const faults = async () => (await checkLogs(url, ledger)).faults.join('\n');

  const path = `/v4/logs/${named.id}`;
  await call(url, { ...post(path, { output: 'another answer' }), method: 'PATCH' });
  expect(await faults()).toContain(`log ${named.reference} (stored) has the output another answer`);
  await call(url, post('/v4/logs', toBody(unnamed)));
  expect(await faults()).toContain(`log ${unnamed.marker} (stored) is there 2 times`);
  await call(url, { method: 'DELETE', path: `/v4/logs?id=${named.id}` });
  expect(await faults()).toContain(`log ${named.reference} (stored) is not there`);
  await call(
    url,
    post('/v4/logs', { ...toBody(named), inputs: { marker: 'foreign' }, output: 'o', reference_id: 'r' }),
  );
  expect(await faults()).toContain('has a log that nobody sent');
  await call(url, post('/v4/logs', { project: 'assistant', config: { model: 'm' } }));
  expect(await faults()).toMatch(/project assistant: 4 logs, 3 of them in the sessions/);
});

test('a deleted log that is still there, found, or in the file is a fault', async () => {
  const { file, url, ledger, logs } = await storeTwo();
  for (const log of logs) log.fate = 'deleted';
  expect((await checkLogs(url, ledger)).faults).toHaveLength(2);
  expect((await checkSearch(url, ledger, 10)).filter((fault) => fault.startsWith('the search finds'))).not.toEqual([]);
  expect((await findErasedIn(file, ledger)).length).toBe(2);
});
