/** Runs the app and visits it: every visit is one line here, and logs on the Humanloop server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createApp } from './server.ts';
import { processor, shutdown } from './telemetry.ts';

const VISITS: readonly [conversation: string, path: string, question: string][] = [
  ['chat', '/ask', 'What is the capital of Norway?'],
  ['chat', '/stream', 'Write a short poem about going there by train.'],
  ['trip', '/trip', 'Plan my trip from Bergen to Oslo tomorrow.'],
  ['rush-hour', '/overloaded', 'Is anybody there?'],
  ['research', '/research', 'Research when the railway was opened.'],
];

const app = createApp().listen(0, '127.0.0.1');
await once(app, 'listening');
const { port } = app.address() as AddressInfo;
const run = randomBytes(2).toString('hex');

for (const [conversation, path, question] of VISITS) {
  const startedAt = performance.now();
  const headers = { 'x-conversation': `${conversation}-${run}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: question });
  const answer = (await response.text()).replaceAll(/\s+/g, ' ');
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`  ${response.ok ? '✓' : '✗'} ${path.padEnd(11)}  ${seconds} s  ${answer.slice(0, 80)}`);
}

app.close();
app.closeAllConnections();
await shutdown();
const { logged, updated } = processor.stats();
console.log(`\n  ${logged} logs sent, ${updated} of them completed later by update_by_ref`);
