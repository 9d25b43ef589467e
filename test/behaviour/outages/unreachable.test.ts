/** Servers that cannot be reached, or that redirect. */
import { expect, test } from 'vitest';
import { collectDiag } from '../../support/collect-diag.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor } from '../../support/traced-app.ts';

test.each([
  ['http://127.0.0.1:9/v4', 10_000, /ECONNREFUSED/],
  ['https://127.0.0.1:9/v4', 10_000, /ECONNREFUSED/],
  // Without a network, the look-up of a name may take longer than the flush.
  ['http://no-such-host.invalid/v4', 500, /ENOTFOUND|EAI_AGAIN|no connection/],
])(
  'if %s cannot be reached it is tried again, logs are kept, and one warning says why',
  async (baseUrl, timeoutMillis, why) => {
    const { lines } = collectDiag();
    const server = await startMisbehavingV4();
    const app = appWithProcessor(server, { baseUrl, flushTimeoutMillis: 100, timeoutMillis });
    app.start('call', { attributes: AGENT }).end();
    await expect.poll(() => app.stats.retried).toBeGreaterThan(0);
    await expect(app.client.forceFlush()).rejects.toThrow('not acknowledged');
    expect(app.stats).toMatchObject({ queued: 1, dropped: {} });
    const said = lines.filter((line) => line.includes('nothing can be sent now'));
    expect(said).toEqual([expect.stringMatching(why)]);
    await app.client.shutdown();
    expect(app.stats.dropped).toEqual({ shutdown: 1 });
    app.expectAccounted();
  },
);

test.each([301, 302, 303, 307, 308])(
  'HTTP %i to another host is not followed: the host gets neither key nor content',
  async (status) => {
    const other = await startMisbehavingV4();
    const server = await startMisbehavingV4({
      fault: () => ({ answer: { status, headers: { location: `${other.baseUrl}/logs` } } }),
    });
    const app = appWithProcessor(server, { apiKey: 'hl_key', flushTimeoutMillis: 100 });
    app.start('call', { attributes: AGENT }).end();
    await expect(app.client.forceFlush()).rejects.toThrow();
    expect(other.requests).toEqual([]);
    expect(app.stats).toMatchObject({ queued: 1, dropped: {} });
    server.fault = undefined;
  },
);

test.each([
  ['a page', '<html>Log in</html>'],
  ['nothing', ''],
  ['another list', '[]'],
  ['another object', '{"ok":true}'],
])('HTTP 200 with %s is not taken for an acknowledgement, and a warning says so', async (_, body) => {
  const { lines } = collectDiag();
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 200, body } }) });
  const app = appWithProcessor(server, { flushTimeoutMillis: 100 });
  app.start('call', { attributes: AGENT }).end();
  await expect(app.client.forceFlush()).rejects.toThrow('not acknowledged');
  expect(app.stats).toMatchObject({ logged: 0, dropped: {} });
  await expect
    .poll(() => lines.filter((line) => line.includes('nothing can be sent now')))
    .toEqual([expect.stringContaining('answers HTTP 200, but not as a v4 log server: is it')]);
  server.fault = undefined;
});
