/** Test environments and Electron put a browser's timers in the place of Node's: a timer is a number there. */
import { expect, test, vi } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor } from '../support/traced-app.ts';

test('logs arrive where timers are numbers', async () => {
  const server = await startMisbehavingV4();
  const start = setTimeout;
  vi.stubGlobal('setTimeout', (work: () => void, millis?: number) => Number(start(work, millis)));
  try {
    const app = appWithProcessor(server);
    app.start('call', { attributes: AGENT }).end();
    await app.client.forceFlush();
    expect(app.stats).toMatchObject({ logged: 1, dropped: {} });
    await app.client.shutdown();
  } finally {
    vi.unstubAllGlobals();
  }
});
