import { expect, test } from 'vitest';
import { describeInBrowser, openViewer, type Viewer } from './browser.ts';

const TRACE = 'a'.repeat(32);
const config = {
  type: 'model',
  model: 'gpt-4o',
  temperature: 0.5,
  tools: [{ name: 'find_order', description: 'Finds it', parameters: { type: 'object' } }],
};

/** Writes two sessions: an agent with a failed tool, and a single call. */
async function fill({ post }: Viewer): Promise<void> {
  const log = (fields: object) => ({
    project: 'shop',
    session_reference_id: 'order',
    created_at: new Date().toISOString(),
    metadata: { trace_id: TRACE },
    ...fields,
  });
  await post({
    project: 'docs',
    session_reference_id: 'plain',
    config: { type: 'model', model: 'claude' },
    inputs: { prompt: 'Say hello' },
    output: 'hello there',
    duration: 0.5,
  });
  await post(
    log({
      reference_id: 'agent',
      config: { type: 'agent', agent_class: 'clerk', model_config: { model: 'gpt-4o' } },
      inputs: { prompt: 'Where is it?' },
      output: 'On its **way**',
      duration: 3,
    }),
  );
  await post([
    log({
      ...{
        parent_reference_id: 'agent',
        reference_id: 'one',
        config,
        duration: 1,
        prompt_tokens: 100,
        output_tokens: 10,
      },
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Where is it?' },
            {
              type: 'image_url',
              image_url: { url: 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7' },
            },
          ],
        },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'find_order', arguments: '{"id":4711}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '{"state":"sent"}' },
      ],
      output: 'It was sent on Monday.',
    }),
    log({
      parent_reference_id: 'agent',
      reference_id: 'two',
      config: { ...config, temperature: 0.9 },
      duration: 1,
      messages: [{ role: 'user', content: 'Where is it?' }],
      output: 'It was sent on Friday.',
    }),
    log({
      parent_reference_id: 'agent',
      reference_id: 'tool',
      config: { type: 'tool', name: 'refund' },
      duration: 0.1,
      error: 'RefundError: too late\n    at refund (shop.js:1:2)',
    }),
    log({ parent_reference_id: 'nowhere', config: { type: 'generic', name: 'audit' }, duration: 0.1 }),
  ]);
}

async function filled(): Promise<Viewer> {
  const viewer = await openViewer();
  await fill(viewer);
  await viewer.open('/');
  await viewer.page.getByText('On its **way**').waitFor();
  return viewer;
}

const treeItem = ({ page }: Viewer, text: string) => page.getByRole('treeitem').filter({ hasText: text });

describeInBrowser('the pages of the viewer', () => {
  test('search and filters are in the address, and going back undoes them', async () => {
    const viewer = await filled();
    const { page } = viewer;
    const rows = page.locator('.session-row');
    await page.keyboard.press('/');
    await page.keyboard.type('hello');
    await expect.poll(() => rows.count()).toBe(1);
    await expect.poll(async () => new Set(await page.locator('mark').allTextContents())).toEqual(new Set(['hello']));
    expect(new URL(page.url()).search).toBe('?q=hello');
    await page.keyboard.press('Escape');
    await expect.poll(() => rows.count()).toBe(2);

    await page.keyboard.press('Escape');
    await page.getByLabel('project', { exact: true }).selectOption('shop');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByLabel('Errors only').check();
    await expect.poll(() => page.url()).toContain('?project=shop&error=1');
    await page.getByLabel('type', { exact: true }).selectOption('generic');
    await page.goBack();
    await page.goBack();
    await expect.poll(() => new URL(page.url()).search).toBe('?project=shop');
    await page.reload();
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByLabel('model', { exact: true }).selectOption('claude');
    await page.getByText('No session matches').waitFor();
    await page.getByRole('button', { name: 'Show all sessions' }).click();
    await expect.poll(() => rows.count()).toBe(2);
  });

  test('a session is walked through by keyboard, from the list to a log and back', async () => {
    const viewer = await filled();
    const { page } = viewer;
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await treeItem(viewer, 'clerk').waitFor();
    expect(await page.getByRole('treeitem').count()).toBe(6);
    await treeItem(viewer, 'clerk').getByRole('img', { name: '1 failed below' }).waitFor();
    await treeItem(viewer, 'audit').getByText('missing parent').waitFor();
    expect(await treeItem(viewer, 'clerk').locator('.tokens').textContent()).toBe('100 → 10');

    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowLeft']) await page.keyboard.press(key);
    expect(await treeItem(viewer, 'clerk').getAttribute('aria-expanded')).toBe('false');
    expect(await page.getByRole('treeitem').count()).toBe(3);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('heading', { name: 'gpt-4o' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.log-pane').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.locator('.session-row').first().waitFor();
  });

  test('a log shows its conversation, its config and where it failed', async () => {
    const viewer = await filled();
    const { page } = viewer;
    await page.getByText('Where is it?').click();
    await treeItem(viewer, 'sent on Monday').click();
    const call = page.locator('.tool-call');
    await call.getByText('4711').waitFor();
    expect(await call.getByText('state:').count()).toBe(1);
    expect(await page.locator('.message').count()).toBe(4);
    await expect
      .poll(() => page.locator('.part-image').evaluate((image: { naturalWidth: number }) => image.naturalWidth))
      .toBe(1);
    await page.getByRole('tab', { name: 'Config' }).click();
    await page.getByText('Finds it').waitFor();
    expect(page.url()).toContain('tab=config');
    await page.getByRole('tab', { name: 'Config' }).press('ArrowRight');
    await page.locator('.json-line', { hasText: 'trace_id' }).waitFor();
    await page.getByRole('tab', { name: 'Raw' }).click();
    await page.locator('#log-part', { hasText: '"reference_id": "one"' }).waitFor();

    await page.getByRole('tab', { name: 'Content' }).click();
    await treeItem(viewer, 'refund').click();
    await page
      .locator('.error-block', { hasText: 'RefundError: too late' })
      .getByText('at refund (shop.js:1:2)')
      .waitFor();
    await treeItem(viewer, 'clerk').click();
    expect(await page.locator('.is-answer strong').textContent()).toBe('way');
  });

  test('feedback is a POST /v4/feedback, shows at once, and can be taken back', async () => {
    const viewer = await filled();
    const { page, server } = viewer;
    await page.getByText('Where is it?').click();
    await treeItem(viewer, 'sent on Monday').click();
    const sent = page.waitForRequest(`${server.url}/v4/feedback`);
    await page.getByRole('button', { name: 'Good' }).click();
    const { data_id: id } = (await sent).postDataJSON();
    expect(await page.getByRole('button', { name: 'Good' }).getAttribute('aria-pressed')).toBe('true');
    await treeItem(viewer, 'sent on Monday').getByRole('img', { name: 'good' }).waitFor();
    await page.getByRole('button', { name: 'Bad' }).click();
    await treeItem(viewer, 'sent on Monday').getByRole('img', { name: 'bad' }).waitFor();
    await page.getByRole('button', { name: 'Comment' }).click();
    await page.keyboard.type('not Monday');
    await page.keyboard.press('Enter');
    await page.locator('.chip', { hasText: 'not Monday' }).waitFor();
    const stored = async () =>
      (await server.call('GET', `/v4/logs/${id}`)).body.feedback.map(
        ({ type, value }: Record<string, string>) => `${type} ${value}`,
      );
    await expect.poll(stored).toEqual(['rating bad', 'comment not Monday']);
    await page.getByRole('button', { name: 'Bad' }).click();
    await expect.poll(stored).toEqual(['comment not Monday']);
    // What an evaluator says while the page is open.
    const evaluation = { type: 'Relevance', value: 0.9, data_id: id };
    await server.call('POST', '/v4/feedback', [
      evaluation,
      { ...evaluation, type: 'Relevance.explanation', value: 'why' },
    ]);
    await page.locator('.log-pane .chip', { hasText: 'Relevance 0.9' }).waitFor();
    await page.locator('.log-pane .chip', { hasText: 'Relevance.explanation why' }).waitFor();
    await page.goto(`${server.url}/`);
    await page.getByLabel('feedback', { exact: true }).selectOption('*');
    await expect.poll(() => page.locator('.session-row').count()).toBe(1);
  });

  test('two logs are compared, at an address of their own', async () => {
    const viewer = await filled();
    const { page } = viewer;
    await page.getByText('Where is it?').click();
    await treeItem(viewer, 'sent on Monday').click();
    await page.getByRole('link', { name: 'Compare' }).click();
    await treeItem(viewer, 'sent on Friday').click();
    await page.getByRole('heading', { name: 'Comparison' }).waitFor();
    const changed = page.locator('.diff-section', { hasText: 'Output' }).locator('.diff-changed').first();
    expect(await changed.locator('del').textContent()).toBe('Monday');
    expect(await changed.locator('ins').textContent()).toBe('Friday');
    await page.locator('.diff-section', { hasText: 'Config' }).getByText('"temperature": 0.').first().waitFor();
    await page.reload();
    await page.locator('.diff-changed').first().waitFor();
    await page.getByRole('button', { name: 'Swap' }).click();
    await expect.poll(() => changed.locator('del').textContent()).toBe('Friday');
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Content' }).waitFor();
  });

  test('a pasted link opens the log in its session', async () => {
    const viewer = await filled();
    const { page, server } = viewer;
    const { body } = await server.call('GET', '/viewer/api/sessions?q=refund');
    const [found] = body.sessions;
    await viewer.open(`/sessions/${found.id}?log=${found.match.log_id}&tab=metadata`);
    await page.getByRole('heading', { name: 'refund' }).waitFor();
    expect(await treeItem(viewer, 'refund').getAttribute('aria-selected')).toBe('true');
    expect(await page.getByRole('tab', { name: 'Metadata' }).getAttribute('aria-selected')).toBe('true');
    await viewer.open('/sessions/none');
    await page.getByRole('alert').getByText('session not found').waitFor();
  });

  test('with an API key, it is asked for once and not kept where scripts can read it', async () => {
    const { page, server, post, open } = await openViewer({ server: { apiKey: 'secret-key' } });
    await post({ project: 'p', session_reference_id: 's', config: { type: 'generic' }, output: 'behind the key' });
    await open('/');
    await page.getByLabel('Key').fill('wrong');
    await page.getByRole('button', { name: 'Open the viewer' }).click();
    await page.getByRole('alert').getByText('not valid').waitFor();
    await page.getByLabel('Key').fill('secret-key');
    await page.getByRole('button', { name: 'Open the viewer' }).click();
    await page.locator('.session-row', { hasText: 'behind the key' }).getByRole('link').click();
    await page.getByRole('treeitem').click();
    await page.getByRole('button', { name: 'Good' }).click();
    await page.getByRole('treeitem').getByRole('img', { name: 'good' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'generic' }).waitFor();
    expect(await page.evaluate('JSON.stringify([document.cookie, { ...localStorage }])')).not.toContain('secret-key');
    expect(server.url).toBe(new URL(page.url()).origin);
  });

  test('a refusal that comes after the login does not ask for the key again', async () => {
    const { page, post, open } = await openViewer({ server: { apiKey: 'secret-key' } });
    await post({ project: 'p', session_reference_id: 's', config: { type: 'generic' }, output: 'behind the key' });
    let answerRefused = () => {};
    await page.route(
      '**/viewer/api/filters',
      async (route) => {
        const response = await route.fetch();
        expect(response.status()).toBe(401);
        answerRefused = () => void route.fulfill({ response });
      },
      { times: 1 },
    );
    await open('/');
    await page.getByLabel('Key').fill('secret-key');
    await page.getByRole('button', { name: 'Open the viewer' }).click();
    const row = page.locator('.session-row', { hasText: 'behind the key' });
    await row.waitFor();
    const repeated = page.waitForResponse(
      (response) => response.url().endsWith('/viewer/api/filters') && response.status() === 200,
    );
    answerRefused();
    await repeated;
    await row.getByRole('link').click();
    await page.getByRole('treeitem').waitFor();
  });
});
