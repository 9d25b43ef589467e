/** The programs of the document on several services do what it says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const DOCUMENT = readFileSync('docs/across-services.md', 'utf8');

function program(containing: string): string {
  const programs = [...DOCUMENT.matchAll(/^```js\n(.+?)^```$/gms)].map(([, text]) => text as string);
  const found = programs.filter((text) => text.includes(containing));
  expect(found).toHaveLength(1);
  return found[0] as string;
}

/** A caller and the two ways to be called: by HTTP in another process, and by a queue. */
const APP = `
  import { spawn } from 'node:child_process';
  import { createServer } from 'node:http';
  import { trace } from '@opentelemetry/api';
  import { consume, publish } from './queue.mjs';
  const tracer = trace.getTracer('app');
  const chat = () => tracer.startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }).end();
  if (process.env.CALLED) {
    const server = createServer((request, response) => {
      chat();
      response.end();
      server.close();
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  } else {
    const child = spawn(process.execPath, ['--import', './tracing.mjs', 'app.mjs'], {
      env: { ...process.env, CALLED: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const port = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
    const queue = [];
    const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'agent' };
    await tracer.startActiveSpan('agent', { attributes }, async (agent) => {
      await fetch('http://127.0.0.1:' + port, { headers: { connection: 'close' } });
      publish(queue, 'hello');
      agent.end();
    });
    await consume(queue[0], async () => chat());
  }`;

test('a call by fetch and a message of a queue hang under the log of the sender', async () => {
  const server = await startTestServer();
  const app = await createApp({
    packages: [
      '@opentelemetry/core',
      '@opentelemetry/instrumentation',
      '@opentelemetry/instrumentation-http',
      '@opentelemetry/instrumentation-undici',
      '@opentelemetry/sdk-node',
    ],
    files: {
      'tracing.mjs': program('textMapPropagator'),
      'queue.mjs': program('export function consume'),
      'app.mjs': APP,
    },
  });
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_PROJECT: 'shop' };
  const result = await runApp(app, ['--import', './tracing.mjs', 'app.mjs'], { env });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const logs = await readLogs(server.baseUrl, new Date(0));
  const agent = logs.find(({ config }) => config?.type !== 'model');
  expect(logs).toHaveLength(3);
  expect(logs.filter(({ parent_id }) => parent_id === agent?.id)).toHaveLength(2);
  expect(new Set(logs.map(({ session_id }) => session_id)).size).toBe(1);
});
