/** Children that end long after the log of their parent was sent. */
import { expect, test, vi } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, referenceOf } from '../support/traced-app.ts';

/** More spans than the package remembers of resting traces. */
const MORE_THAN_REMEMBERED = 51_000;

test.each([
  ['1 second', 1_000],
  ['10 minutes', 600_000],
])('a child that ends %s after the root was sent is nested under it', async (_, millis) => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithProcessor(server);
  const root = app.start('root', { attributes: { ...AGENT, 'session.id': 's' } });
  const child = app.start('child', { parent: root });
  root.end();
  await app.client.forceFlush();
  await vi.advanceTimersByTimeAsync(millis);
  // The SDK's own clock is not the fake one.
  child.end(Date.now());
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(child)).toMatchObject({ parent_reference_id: referenceOf(root), session_reference_id: 's' });
  expect(app.log(child)?.duration).toBeCloseTo(millis / 1000, 0);
});

test('a child that starts and ends after the root was sent is nested under it', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const root = app.start('root', { attributes: { ...AGENT, 'session.id': 's' } });
    root.end();
    await app.flush();
    const child = app.start('child', { parent: root });
    child.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(child)).toMatchObject({ parent_reference_id: referenceOf(root), session_reference_id: 's' });
  }
});

test('a grandchild that ends after its ancestors were sent is nested under the nearest of them', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const root = app.start('root', { attributes: AGENT });
    const middle = app.start('middle', { parent: root, attributes: AGENT });
    const grandchild = app.start('grandchild', { parent: middle });
    middle.end();
    root.end();
    await app.flush();
    grandchild.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(grandchild)?.parent_reference_id).toBe(referenceOf(middle));
  }
});

test('an open grandchild keeps its ancestors from being forgotten', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const root = app.start('root', { attributes: { ...AGENT, 'session.id': 's' } });
  const middle = app.start('middle', { parent: root, attributes: AGENT });
  const grandchild = app.start('grandchild', { parent: middle });
  middle.end();
  root.end();
  await app.client.forceFlush();
  await fillMemory(app, server);
  grandchild.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(grandchild)).toMatchObject({ parent_reference_id: referenceOf(middle), session_reference_id: 's' });
});

test('after thousands of other traces a late child still finds its parent and its session', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const root = app.start('root', { attributes: { ...AGENT, 'session.id': 's' } });
    const plain = app.startOther('GET', { parent: root });
    plain.end();
    root.end();
    await app.flush();
    for (let count = 0; count < 6_000; count++) {
      app.start('other trace').end();
      if (count % 1_000 === 0) await app.provider.forceFlush();
    }
    await app.flush();
    const child = app.start('child', { parent: plain });
    child.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(child)).toMatchObject({ parent_reference_id: referenceOf(root), session_reference_id: 's' });
  }
});

test.each([
  ['processor', appWithProcessor],
  ['exporter', appWithExporter],
] as const)('a grandchild of forgotten ancestors is logged, and they are not logged twice (%s)', async (_, create) => {
  const server = await startMisbehavingV4();
  const app = create(server, {});
  const root = app.start('root', { attributes: AGENT });
  const middle = app.start('middle', { parent: root, attributes: AGENT });
  middle.end();
  root.end();
  await app.flush();
  await fillMemory(app, server);
  const grandchild = app.start('grandchild', { parent: middle });
  grandchild.end();
  await app.flush();
  expect(app.log(grandchild)).toBeDefined();
  app.expectDelivered();
});

type App = ReturnType<typeof appWithProcessor> | ReturnType<typeof appWithExporter>;

async function fillMemory(app: App, server: MisbehavingV4): Promise<void> {
  const before = server.logs.size;
  const other = app.start('other trace', { attributes: AGENT });
  other.end();
  for (let count = 0; count < MORE_THAN_REMEMBERED; count++) {
    app.startOther('GET', { parent: other }).end();
    if (count % 1_000 === 0) await app.provider.forceFlush();
  }
  await app.client.forceFlush();
  expect(server.logs.size).toBe(before + 1);
  // A trace rests only when it has no open or due spans; then older ones are forgotten for it.
  app.start('one more').end();
  await app.flush();
}
