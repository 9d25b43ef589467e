/** What other languages' exporters and tools have sent, with their headers, in any order and more than once. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import type { RecordedRequest } from '../../fixtures/otlp/recorded-request.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { expectPythonTrace } from './python-trace.ts';

/** An agent above two calls and the tool that the first one wanted. */
async function expectClaudeCode({ baseUrl }: TestServer): Promise<void> {
  const logs = await readLogs(baseUrl, new Date(0));
  const agent = logs.find(({ parent_id: parent }) => !parent);
  expect(agent).toMatchObject({ project: 'my-claude', inputs: { input: 'Say hello with a command' } });
  expect(agent).toMatchObject({ config: { type: 'agent', model_config: { model: 'claude-opus-4-8[1m]' } } });
  const below = logs.filter(({ parent_id: parent }) => parent === agent?.id);
  expect(below.map(({ config }) => config?.type).sort()).toEqual(['model', 'model', 'tool']);
  expect(below.find(({ config }) => config?.type === 'tool')).toMatchObject({
    config: { name: 'Bash' },
    inputs: { command: 'echo hello' },
    output: 'hello',
  });
  expect(below.filter(({ prompt_tokens: tokens }) => tokens === 12)).toHaveLength(2);
  expect(new Set(logs.map(({ session_reference_id: session }) => session)).size).toBe(1);
  expect(logs).toHaveLength(4);
}

const SENDERS = {
  'Python SDK 1.45': { file: 'python-plain', expectLogs: expectPythonTrace },
  'Python SDK 1.45, gzip': { file: 'python-gzip', expectLogs: expectPythonTrace },
  'Claude Code 2.1, protobuf': { file: 'claude-code-protobuf', expectLogs: expectClaudeCode },
  'Claude Code 2.1, JSON': { file: 'claude-code-json', expectLogs: expectClaudeCode },
};

for (const [sender, { file, expectLogs }] of Object.entries(SENDERS)) {
  const requests = JSON.parse(readFileSync(`test/fixtures/otlp/${file}.json`, 'utf8')) as RecordedRequest[];
  const orders = {
    'in its order': requests,
    'the other way round': requests.toReversed(),
    twice: [...requests, ...requests],
  };
  test.each(Object.entries(orders))(`${sender}, %s`, async (_, order) => {
    const server = await startTestServer();
    for (const { path, headers, body } of order) {
      const { 'transfer-encoding': _chunked, ...sent } = headers;
      const request = { method: 'POST', headers: sent, body: Buffer.from(body, 'base64') };
      const response = await fetch(server.url + path, request);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(headers['content-type']);
    }
    await expectLogs(server);
  });
}
