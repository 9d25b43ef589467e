/** A wrong key, permission or address: it is tried rarely, and logs are kept. */
import { expect, test, vi } from 'vitest';
import { fakeClock, passTime } from '../../support/fake-clock.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { appWithProcessor } from '../../support/traced-app.ts';

const SECRET = 'hl_sk_secret';

test.each([401, 403, 404])(
  'a flush that meets HTTP %i rejects without repeated requests, and nothing is lost when it is fixed',
  async (status) => {
    const server = await startMisbehavingV4({ fault: () => ({ answer: { status } }) });
    fakeClock();
    const app = appWithProcessor(server, {
      apiKey: SECRET,
      flushTimeoutMillis: 400,
      retry: { minDelayMillis: 100, maxDelayMillis: 200 },
    });
    for (let call = 0; call < 5; call++) app.start('call').end();
    const flushed = app.client.forceFlush().catch((reason: Error) => reason);
    await passTime(400, app, 50);
    const error = await flushed;
    expect(String(error)).toMatch('not acknowledged');
    expect(server.requests.length).toBeGreaterThan(0);
    expect(server.requests.length).toBeLessThanOrEqual(3);
    expect(server.requests[0]?.headers['x-api-key']).toBe(SECRET);
    expect(app.stats).toMatchObject({ queued: 5, dropped: {} });
    expect(JSON.stringify([error, String(error), app.client, app.stats])).not.toContain(SECRET);
    server.fault = undefined;
    await passTime(61_000, app);
    app.expectDelivered();
  },
);

test.each([401, 403, 404])('HTTP %i is tried rarely for ten minutes, and then everything is sent', async (status) => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status } }) });
  fakeClock();
  const app = appWithProcessor(server, {
    retry: { minDelayMillis: 500, maxDelayMillis: 30_000, maxElapsedMillis: 900_000 },
  });
  for (let count = 0; count < 10; count++) app.start('call').end();
  const timers = vi.spyOn(globalThis, 'setTimeout');
  await passTime(600_000, app);
  // Pauses grow to a minute.
  expect(server.requests.length).toBeGreaterThan(5);
  expect(server.requests.length).toBeLessThanOrEqual(20);
  // Far fewer than if it looked again all the time.
  expect(timers.mock.calls.length).toBeLessThan(2_000);
  timers.mockRestore();
  server.fault = undefined;
  await passTime(61_000, app);
  app.expectDelivered();
});
