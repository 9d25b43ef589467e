/**
 * Measures for how long a request of each kind holds up others, alone and sixteen at once: the longest time in which the
 * server's event loop ran nothing else, and the longest small request beside it. Takes words that the names of the kinds
 * must have.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '../markdown-table.ts';
import { type Call, call, get } from './call.ts';
import { HOSTILE_KINDS } from './hostile-requests.ts';
import { fillWithLargeData } from './large-data.ts';
import { type ServerProcess, startServerProcess } from './start-server.ts';

/** What other work on the machine adds is not in the shortest of them. */
const ROUNDS = 2;

interface Held {
  readonly blockMillis: number;
  readonly busyMillis: number;
  readonly besideMillis: number;
  readonly answerMillis: number;
  readonly statuses: string;
}

const words = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'humanloop-otel-'));
const server = await startServerProcess({ file: join(directory, 'logs.db') });
try {
  const data = await fillWithLargeData(() => server.url);
  await whenQuiet(server);
  const rows: string[][] = [];
  for (const { name, make } of HOSTILE_KINDS) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    const request = make(data);
    const alone = await measureLeast(server, request, 1);
    const together = await measureLeast(server, request, 16);
    const row = [
      name,
      ...[alone, together].flatMap((held) => [
        show(held.busyMillis),
        show(held.blockMillis),
        show(held.besideMillis),
        show(held.answerMillis),
      ]),
    ];
    rows.push([...row, [...new Set([alone.statuses, together.statuses])].join('; ')]);
    console.error(rows.at(-1)!.join(' | '));
  }
  const { rssBytes } = await server.measure();
  const columns = ['busy ms', 'block ms', 'beside ms', 'answer ms'];
  console.log(
    table(['kind', ...columns.map((each) => `${each}, 1`), ...columns.map((each) => `${each}, 16`), 'answers'], rows),
  );
  console.log(`\nRSS at the end: ${Math.round(rssBytes / 2 ** 20)} MiB`);
} finally {
  await server.kill();
  rmSync(directory, { recursive: true, force: true });
}

async function measureLeast(server: ServerProcess, request: Call, count: number): Promise<Held> {
  let least: Held | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const held = await measure(server, request, count);
    if (!least || held.busyMillis < least.busyMillis) least = held;
  }
  return least!;
}

async function measure(server: ServerProcess, request: Call, count: number): Promise<Held> {
  await server.measure();
  let isDone = false;
  let besideMillis = 0;
  const beside = (async () => {
    while (!isDone) {
      besideMillis = Math.max(besideMillis, (await call(server.url, get('/healthz'))).millis);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const replies = await Promise.all(Array.from({ length: count }, () => call(server.url, request)));
  isDone = true;
  await beside;
  const { longestBlockMillis, longestBusyMillis } = await server.measure();
  const counts = new Map<number, number>();
  for (const { status } of replies) counts.set(status, (counts.get(status) ?? 0) + 1);
  await whenQuiet(server);
  return {
    blockMillis: longestBlockMillis,
    busyMillis: longestBusyMillis,
    besideMillis,
    answerMillis: Math.max(...replies.map(({ millis }) => millis)),
    statuses: [...counts].map(([status, times]) => `${times} × ${status}`).join(', '),
  };
}

/** The index works on for a while after the answers. */
async function whenQuiet(server: ServerProcess): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    await server.measure();
    await new Promise((resolve) => setTimeout(resolve, 300));
    quiet = (await server.measure()).longestBlockMillis < 8 ? quiet + 1 : 0;
  }
}

function show(millis: number): string {
  return millis.toFixed(0);
}
