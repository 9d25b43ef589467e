/** `npx tsx bench/viewer-writes.ts`: what a POST of 100 logs costs, including what the server does for the viewer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HumanloopLogs } from 'humanloop-otel';
import { startServer } from 'humanloop-otel/server';
import { median } from './median.ts';
import { syntheticRequest } from './viewer-data.ts';

const REQUESTS = 200;
const directory = mkdtempSync(join(tmpdir(), 'viewer-bench-'));
const server = await startServer({ port: 0, file: join(directory, 'logs.db') });
const client = new HumanloopLogs({ baseUrl: server.baseUrl });
const times: number[] = [];
for (let index = 0; index < REQUESTS; index += 1) {
  const logs = syntheticRequest(index);
  const start = performance.now();
  await client.log(logs);
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
console.log(
  `POST of 100 logs: median ${median(times).toFixed(1)} ms, 99th percentile ${times[Math.floor(REQUESTS * 0.99)]!.toFixed(1)} ms, worst ${times.at(-1)!.toFixed(1)} ms`,
);
await client.close();
await server.close();
rmSync(directory, { recursive: true });
