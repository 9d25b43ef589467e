/** An HTTP app with plain and streamed answers, agents with tools, and a call that fails. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createApp } from './server.ts';
import { processor, shutdown } from './telemetry.ts';

const VISITS: readonly [what: string, conversation: string, path: string, question: string][] = [
  ['a plain answer', 'chat', '/ask', 'What is the capital of Norway?'],
  ['a streamed answer', 'chat', '/stream', 'Write a short poem about going there by train.'],
  ['an agent with tools', 'trip', '/trip', 'Plan my trip from Bergen to Oslo tomorrow.'],
  ['a call that must fail', 'rush-hour', '/overloaded', 'Is anybody there?'],
  ['a slow agent', 'research', '/research', 'Research when the railway was opened.'],
];

const app = createApp().listen(0, '127.0.0.1');
await once(app, 'listening');
const { port } = app.address() as AddressInfo;
const run = randomBytes(2).toString('hex');

for (const [what, conversation, path, question] of VISITS) {
  const startedAt = performance.now();
  const headers = { 'x-conversation': `${conversation}-${run}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: question });
  const answer = (await response.text()).replaceAll(/\s+/g, ' ');
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`  ${response.ok ? '✓' : '✗'} ${what.padEnd(22)}  ${seconds} s  ${shorten(answer)}`);
}

app.close();
app.closeAllConnections();
await shutdown();
const { logged, updated } = processor.stats();
console.log(`\n  ${logged} logs sent, ${updated} of them completed later by update_by_ref`);

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 63)}…` : text;
}
