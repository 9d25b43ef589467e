/** Sixteen of the worst requests of each kind at once, against a real process with a heap of 512 MB. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, get, post } from '../../scripts/soak/call.ts';
import { HOSTILE_KINDS } from '../../scripts/soak/hostile-requests.ts';
import { CONFIG, fillWithLargeData, type LargeData } from '../../scripts/soak/large-data.ts';
import { type ServerProcess, startServerProcess } from '../../scripts/soak/start-server.ts';

const AT_ONCE = 16;
/** Each takes up to 16 s. By default only the largest are tried; `WORST_REQUESTS=1` tries all. */
const KINDS = HOSTILE_KINDS.filter(({ name }) => process.env['WORST_REQUESTS'] || /\blog of\b/.test(name));
const HEAP_BYTES = 512 * 1024 * 1024;

const directory = mkdtempSync(join(tmpdir(), 'humanloop-otel-'));
let server: ServerProcess;
let data: LargeData;

beforeAll(async () => {
  server = await startServerProcess({ file: join(directory, 'logs.db'), heapMegabytes: 512 });
  data = await fillWithLargeData(() => server.url);
});

afterAll(async () => {
  await server?.kill();
  rmSync(directory, { recursive: true, force: true });
});

test.each(KINDS.map(({ name, make }) => [name, make] as const))(
  '%s: the server survives, and answers',
  async (_, make) => {
    const request = make(data);
    const replies = await Promise.all(Array.from({ length: AT_ONCE }, () => call(server.url, request)));
    for (const { status, retryAfter, text } of replies) {
      // 0 is a connection that broke.
      expect(status, server.output()).toBeGreaterThan(0);
      if (status >= 500) expect({ status, retryAfter }, text).toEqual({ status: 503, retryAfter: expect.any(String) });
    }
    // At least one of them was really answered.
    expect(replies.some(({ status }) => status < 500)).toBe(true);
    expect((await call(server.url, get('/healthz'))).status).toBe(200);
    expect((await call(server.url, post('/v4/logs', { project: 'small', config: CONFIG, output: 'o' }))).status).toBe(
      200,
    );
    expect((await server.measure()).heapBytes).toBeLessThan(HEAP_BYTES / 2);
  },
  180_000,
);
