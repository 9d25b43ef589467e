import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeInBrowser, openViewer, type Viewer } from './browser.ts';

const log = (session: string, fields: object = {}) => ({
  project: 'shop',
  session_reference_id: session,
  metadata: { trace_id: session },
  config: { type: 'model', model: 'gpt-4o' },
  output: `answered in ${session}`,
  duration: 1,
  ...fields,
});

/** An agent with 30 steps: the slowest and two failures are among them. */
async function fill({ post }: Viewer): Promise<string> {
  const [root] = await post(
    log('long', {
      reference_id: 'root',
      config: { type: 'agent', agent_class: 'clerk', model_config: { model: 'm' } },
    }),
  );
  const steps = Array.from({ length: 30 }, (_, step) =>
    log('long', {
      parent_reference_id: 'root',
      created_at: new Date(Date.now() + step * 1_000).toISOString(),
      config: step % 2 === 0 ? { type: 'tool', name: `step ${step}` } : { type: 'model', model: `model ${step}` },
      duration: step === 17 ? 42 : 0.1,
      output: `step ${step}`,
      ...((step === 9 || step === 20) && { error: `failed ${step}` }),
    }),
  );
  await post(steps);
  return root!.session_id;
}

const selected = ({ page }: Viewer) => page.locator('.tree-row.is-selected .log-name').textContent();

describeInBrowser('in a session', () => {
  test('the slowest log and the errors are one key away, and a type shows only its logs', async () => {
    const viewer = await openViewer();
    const { page, open } = viewer;
    const session = await fill(viewer);
    await open(`/sessions/${session}`);
    await page.getByRole('treeitem').first().waitFor();
    await page.keyboard.press('s');
    await expect.poll(() => selected(viewer)).toBe('model 17');
    await page.keyboard.press('n');
    await expect.poll(() => selected(viewer)).toBe('model 9');
    await page.getByRole('button', { name: 'Next error' }).click();
    await expect.poll(() => selected(viewer)).toBe('step 20');
    await page.keyboard.press('j');
    await expect.poll(() => selected(viewer)).toBe('model 21');
    await page.keyboard.press('k');
    await expect.poll(() => selected(viewer)).toBe('step 20');
    await page.locator('.tree-tools').getByLabel('type', { exact: true }).selectOption('tool');
    await expect.poll(() => page.locator('.tree .log-name', { hasText: 'model' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Slowest' }).click();
    await expect.poll(() => selected(viewer)).toBe('model 17');
    expect(await page.locator('#tree-type').inputValue()).toBe('');
    await page.locator('.tree').focus();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Shortcuts' }).getByText('next error').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    expect(await selected(viewer)).toBe('model 17');
  });

  test('its only log is open at once, in one row, and Esc leads back to the list', async () => {
    const viewer = await openViewer();
    const { page, open, post } = viewer;
    await post(log('short'));
    await open('/');
    await page.locator('.session-row a').first().click();
    await page.locator('.log-pane').getByText('answered in short').waitFor();
    expect(await page.getByRole('treeitem').count()).toBe(1);
    expect(await page.evaluate('document.activeElement.getAttribute("role")')).toBe('tree');
    await page.keyboard.press('Escape');
    await page.locator('.session-row').waitFor();
  });

  test('all of it is saved as JSON', async () => {
    const viewer = await openViewer();
    const { page, open, server } = viewer;
    const session = await fill(viewer);
    await viewer.post(Array.from({ length: 300 }, (_, index) => log('long', { output: `more ${index}` })));
    await open(`/sessions/${session}`);
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export JSON' }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toBe('long.json');
    const logs = JSON.parse(readFileSync(await download.path(), 'utf8'));
    expect(logs).toHaveLength(331);
    expect(logs[0]).toEqual((await server.call('GET', `/v4/logs/${logs[0].id}`)).body);
    await page.getByRole('button', { name: 'Export JSON' }).waitFor();
  });

  test('is deleted after a question', async () => {
    const viewer = await openViewer();
    const { page, open, server } = viewer;
    const session = await fill(viewer);
    await viewer.post(log('other'));
    await open('/');
    await page.locator('.session-row', { hasText: 'long' }).getByRole('link').first().click();
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this session?' });
    await dialog.getByText('all of its 31 logs').waitFor();
    await dialog.getByRole('button', { name: 'Keep it' }).click();
    await expect.poll(() => dialog.count()).toBe(0);
    await page.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('answered in other').waitFor();
    await expect.poll(() => page.locator('.session-row').count()).toBe(1);
    expect((await server.call('GET', `/viewer/api/sessions/${session}`)).status).toBe(404);
  });

  test('a log is held, and compared with one of another session', async () => {
    const viewer = await openViewer();
    const { page, open, post } = viewer;
    await post([
      log('monday', { output: 'It was sent on Monday.', created_at: '2026-01-05T10:00:00Z', environment: 'prod' }),
      log('friday', { output: 'It was sent on Friday.', created_at: '2026-01-09T10:00:00Z', environment: 'test' }),
    ]);
    await open('/');
    await page.locator('.session-row', { hasText: 'Monday' }).getByRole('link').click();
    await page.getByRole('link', { name: 'Compare' }).click();
    await page.getByText('or in any other session').waitFor();
    await page.getByRole('button', { name: 'Back to the sessions' }).click();
    await page.locator('.session-row', { hasText: 'Friday' }).getByRole('link').click();
    await page.getByRole('link', { name: 'Compare with gpt-4o, which is held' }).click();
    await page.getByRole('heading', { name: 'Comparison' }).waitFor();
    const changed = page.locator('.diff-section', { hasText: 'Output' }).locator('.diff-changed').first();
    expect(await changed.locator('del').textContent()).toBe('Monday');
    expect(await changed.locator('ins').textContent()).toBe('Friday');
    const head = (name: string) => page.locator('.overview tr', { hasText: name }).locator('td').allTextContents();
    expect(await head('Session')).toEqual(['monday', 'friday']);
    expect(await head('Environment')).toEqual(['prod', 'test']);
    expect((await head('Started')).map((time) => time.slice(0, 10))).toEqual(['2026-01-05', '2026-01-09']);
    await page.reload();
    await page.locator('.diff-changed').first().waitFor();
  });

  test('messages that are folded away are found', async () => {
    const viewer = await openViewer();
    const { page, open, post } = viewer;
    const messages = Array.from({ length: 60 }, (_, index) => ({ role: 'user', content: `message ${index}` }));
    messages[30]!.content = 'the zebra crosses';
    const [first] = await post(log('chat', { messages }));
    await open(`/sessions/${first!.session_id}?log=${first!.id}`);
    const shown = page.locator('.message', { hasText: /message|zebra/ });
    await expect.poll(() => shown.count()).toBe(15);
    await page.getByLabel('Find in the messages').fill('Zebra');
    await page.getByRole('status').getByText('1 message').waitFor();
    await page.locator('.message', { hasText: 'the zebra crosses' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => shown.count()).toBe(15);
  });

  test('an embedding is one line', async () => {
    const viewer = await openViewer();
    const { page, open, post } = viewer;
    const vector = Array.from({ length: 1_536 }, (_, index) => index / 7);
    const [first] = await post(log('vectors', { inputs: { vector } }));
    await open(`/sessions/${first!.session_id}?log=${first!.id}`);
    await page.getByRole('button', { name: '[1,536 numbers]' }).waitFor();
    expect(await page.locator('.json-line').count()).toBe(0);
  });
});
