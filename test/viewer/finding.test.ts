import { expect, test } from 'vitest';
import { describeInBrowser, openViewer, type Viewer } from './browser.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

const log = (session: string, fields: object = {}) => ({
  project: 'shop',
  session_reference_id: session,
  config: { type: 'model', model: 'gpt-4o' },
  inputs: { prompt: `asked in ${session}` },
  output: `answered in ${session}`,
  duration: 1,
  ...fields,
});

async function fill({ post, server }: Viewer) {
  const logs = await post([
    log('chat/42', { metadata: { user: 'ada', release: '1.2.3' }, reference_id: `${TRACE}-b7ad6b7169203331` }),
    log('slow one', { duration: 90, metadata: { user: 'bob' }, environment: 'prod', output_cost: 0.0000642 }),
    log('of last year', { created_at: '2024-05-06T07:08:09Z', output_cost: 0.2 }),
  ]);
  await expect.poll(async () => (await server.call('GET', '/viewer/api/sessions?q=prod')).body.sessions.length).toBe(1);
  return logs;
}

const titles = ({ page }: Viewer) => page.locator('.session-row .cell-text a').allTextContents();

describeInBrowser('finding a session', () => {
  test('an id, a reference or a trace in the search, or in the address', async () => {
    const viewer = await openViewer();
    const [first] = await fill(viewer);
    const { page, open } = viewer;
    await open('/');
    for (const name of ['chat/42', first!.id, first!.session_id, TRACE]) {
      await page.keyboard.press('/');
      await page.keyboard.type(name);
      await expect.poll(async () => [name, ...(await titles(viewer))]).toEqual([name, 'asked in chat/42']);
      await page.keyboard.press('Escape');
      await expect.poll(async () => (await titles(viewer)).length).toBe(3);
      await page.keyboard.press('Escape');
    }
    for (const name of ['chat/42', first!.id, TRACE, `00-${TRACE}-b7ad6b7169203331-01`]) {
      await page.goto(`${viewer.server.url}/sessions/${encodeURIComponent(name)}`);
      await page.getByRole('heading', { name: 'asked in chat/42' }).waitFor();
      await expect.poll(() => new URL(page.url()).pathname).toBe(`/sessions/${first!.session_id}`);
    }
    await open('/sessions/nothing');
    await page.getByRole('heading', { level: 1, name: 'cannot be shown' }).waitFor();
    await page.getByRole('link', { name: 'Back to the sessions' }).click();
    await page.locator('.session-row').first().waitFor();
  });

  test('a user, an environment and metadata: typed, and as links that filter', async () => {
    const viewer = await openViewer();
    await fill(viewer);
    const { page, open } = viewer;
    await open('/');
    await page.keyboard.press('/');
    await page.keyboard.type('metadata.release:1.2.3');
    await expect.poll(() => titles(viewer)).toEqual(['asked in chat/42']);
    await page.keyboard.press('Escape');
    await page.locator('.session-row', { hasText: 'slow one' }).getByRole('link', { name: 'bob' }).click();
    await expect.poll(() => new URL(page.url()).search).toBe('?user=bob');
    await expect.poll(() => titles(viewer)).toEqual(['asked in slow one']);
    await page.getByRole('button', { name: 'user bob' }).click();
    await expect.poll(async () => (await titles(viewer)).length).toBe(3);
    await page.getByLabel('environment', { exact: true }).selectOption('prod');
    await expect.poll(() => titles(viewer)).toEqual(['asked in slow one']);
    await page.locator('.session-row .cell-text a').click();
    await page.locator('.log-pane').getByRole('link', { name: 'bob' }).waitFor();
    await page.locator('.session-title').getByRole('link', { name: 'bob' }).click();
    await expect.poll(() => new URL(page.url()).search).toBe('?user=bob');
  });

  test('the list is of when things happened, and can be sorted and filtered by how long they took', async () => {
    const viewer = await openViewer();
    await fill(viewer);
    const { page, open } = viewer;
    await open('/');
    await expect.poll(() => titles(viewer)).toEqual(['asked in slow one', 'asked in chat/42', 'asked in of last year']);
    await page.locator('.session-row', { hasText: 'of last year' }).getByText('6 May 2024').waitFor();
    await page.getByLabel('time', { exact: true }).selectOption('24h');
    await expect.poll(async () => (await titles(viewer)).length).toBe(2);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('button', { name: 'Cost' }).click();
    await expect.poll(() => titles(viewer)).toEqual(['asked in of last year', 'asked in slow one', 'asked in chat/42']);
    expect(await page.locator('.session-row .cell-cost').allTextContents()).toEqual(['$0.20', '$0.000064', '']);
    expect(await page.getByRole('columnheader', { name: 'Cost' }).getAttribute('aria-sort')).toBe('descending');
    await page.getByLabel('duration', { exact: true }).selectOption('60');
    await expect.poll(() => titles(viewer)).toEqual(['asked in slow one']);
    await page.goBack();
    await expect.poll(() => new URL(page.url()).search).toBe('?sort=cost');
  });

  test('a time in the address is the same for readers in other zones', async () => {
    const viewer = await openViewer({ context: { timezoneId: 'Asia/Kolkata' } });
    await fill(viewer);
    const { page, open } = viewer;
    await open('/');
    await page.getByLabel('time', { exact: true }).selectOption('custom');
    await page.getByLabel('From', { exact: true }).fill('2024-05-06T00:00');
    await expect.poll(() => new URL(page.url()).searchParams.get('since')).toBe('2024-05-05T18:30Z');
    expect(await page.getByLabel('From', { exact: true }).inputValue()).toBe('2024-05-06T00:00');
    await page.getByLabel('To', { exact: true }).fill('2024-05-07T00:00');
    await expect.poll(() => titles(viewer)).toEqual(['asked in of last year']);
  });

  test('days and models are counted, and lead to their sessions', async () => {
    const viewer = await openViewer();
    await fill(viewer);
    await viewer.post(log('broken', { error: 'boom', duration: 2 }));
    const { page, open } = viewer;
    await expect
      .poll(async () => (await viewer.server.call('GET', '/viewer/api/overview')).body.days[0]?.errors)
      .toBe(1);
    await open('/overview?days=7');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    const [days, models] = await page.locator('table.counts').all();
    const day = new Date().toISOString().slice(0, 10);
    await days!.getByRole('row').filter({ hasText: day }).getByText('$0.000064').waitFor();
    await models!.getByRole('row').filter({ hasText: 'gpt-4o' }).waitFor();
    await days!.getByRole('button', { name: `Models of ${day}` }).click();
    await days!.getByRole('row').filter({ hasText: 'gpt-4o' }).getByText('$0.000064').waitFor();
    await days!.getByRole('link', { name: '1', exact: true }).click();
    await expect.poll(() => titles(viewer)).toEqual(['asked in broken']);
    await page.goBack();
    await models!.getByRole('link', { name: 'gpt-4o' }).click();
    await expect.poll(async () => (await titles(viewer)).length).toBe(4);
  });

  test('a search that does not cover all logs yet says so', async () => {
    const viewer = await openViewer();
    await fill(viewer);
    const { page, open } = viewer;
    await page.route('**/viewer/api/sessions?*', async (route) => {
      const answer = await route.fetch();
      const indexing = { logs: 1234, oldestCreatedAt: '2026-01-02T03:04:05.000000Z' };
      await route.fulfill({ response: answer, json: { ...(await answer.json()), indexing } });
    });
    await open('/?since=24h');
    await page.getByRole('status').getByText('1,234 are being indexed').waitFor();
  });
});
