import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describeInBrowser, openViewer, type Viewer } from './browser.ts';

/** The rules of axe that the page breaks, each with the first element. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, help, nodes }) => id + ': ' + help + ' at ' + nodes[0].html.slice(0, 200) + ' ' + nodes[0].failureSummary))`);
  return found as string[];
}

async function fill({ post }: Viewer): Promise<string> {
  const log = (fields: object) => ({
    project: 'shop',
    session_reference_id: 'a conversation',
    metadata: { trace_id: 't1' },
    ...fields,
  });
  const [root] = await post(
    log({
      reference_id: 'root',
      config: { type: 'agent', agent_class: 'clerk', model_config: { model: 'gpt-4o' } },
      inputs: { prompt: 'Where is my order, and when will it come?' },
    }),
  );
  await post([
    log({
      parent_reference_id: 'root',
      duration: 0.4,
      prompt_tokens: 1200,
      output_tokens: 80,
      config: { type: 'model', model: 'gpt-4o', temperature: 0.2, tools: [{ name: 'find' }] },
      messages: [
        { role: 'system', content: 'Be **brief**.' },
        { role: 'user', content: 'Where is it?\n\n```\ncode\n```' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'find', arguments: '{"id":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '{"state":"sent"}' },
      ],
      output: 'Here: [a](https://example.com) ![b](https://example.com/b.png)',
      feedback: { type: 'rating', value: 'good' },
    }),
    log({
      parent_reference_id: 'root',
      duration: 0.1,
      error: 'Error: no\n at x',
      config: { type: 'tool', name: 'find' },
    }),
    log({
      parent_reference_id: 'gone',
      duration: 0.1,
      config: { type: 'generic', name: 'audit' },
      metadata: { trace_id: 't2' },
    }),
  ]);
  return root!.session_id;
}

describeInBrowser('how the viewer looks', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing on any page, ${colorScheme}`, async () => {
      const viewer = await openViewer({ context: { colorScheme, bypassCSP: true } });
      const { page, open } = viewer;
      await open('/');
      await page.getByText('Waiting for').waitFor();
      expect(await violations(page)).toEqual([]);
      const session = await fill(viewer);
      await page.locator('.session-row').waitFor();
      expect(await violations(page)).toEqual([]);
      await open('/?q=nothing&error=1&since=2020-01-01T00:00');
      await page.getByText('No session matches').waitFor();
      expect(await violations(page)).toEqual([]);
      await open(`/sessions/${session}`);
      const items = page.getByRole('treeitem');
      await items.nth(2).click();
      for (const name of ['Content', 'Config', 'Metadata', 'Raw']) {
        await page.getByRole('tab', { name }).click();
        expect(await violations(page), name).toEqual([]);
      }
      await page.getByRole('tab', { name: 'Content' }).click();
      await page.getByRole('link', { name: 'Compare' }).click();
      expect(await violations(page)).toEqual([]);
      await items.filter({ hasText: 'find' }).last().click();
      await page.getByRole('heading', { name: 'Comparison' }).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Delete' }).click();
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
    });

    test(`axe finds nothing on the other pages, ${colorScheme}`, async () => {
      const viewer = await openViewer({ context: { colorScheme, bypassCSP: true } });
      const { page, open } = viewer;
      await fill(viewer);
      await open('/?user=ada&sort=cost');
      await page.getByText('No session matches').waitFor();
      expect(await violations(page)).toEqual([]);
      await open('/overview');
      await page.locator('table.counts').first().waitFor();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
      await open('/sessions/none');
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await violations(page)).toEqual([]);
    });
  }

  test('long names without a break stay within the page', async () => {
    const viewer = await openViewer();
    const { page, open, post } = viewer;
    const name = 'x'.repeat(900);
    const [log] = await post({
      ...{ project: name, session_reference_id: name, config: { type: 'tool', name }, environment: name },
      metadata: { user: name.slice(0, 250), release: name.slice(0, 50) },
    });
    const width = () => page.evaluate('document.scrollingElement.scrollWidth');
    for (const path of ['/', `/sessions/${log!.session_id}?log=${log!.id}`, '/overview', `/sessions/${name}y`]) {
      await open(path);
      await page.waitForTimeout(300);
      expect(await width(), path.slice(0, 20)).toBe(1440);
      await page.setViewportSize({ width: 375, height: 700 });
      expect(await width(), path.slice(0, 20)).toBe(375);
      await page.setViewportSize({ width: 1440, height: 900 });
    }
  });

  test('the form for the key has the focus from the start', async () => {
    const { page, open } = await openViewer({ server: { apiKey: 'k' } });
    await open('/');
    await page.getByLabel('Key').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('key');
  });

  test('the question for the key is found by a screen reader too', async () => {
    const { page, open } = await openViewer({ context: { bypassCSP: true }, server: { apiKey: 'k' } });
    await open('/');
    await page.getByLabel('Key').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  test('dark follows the system, and can be chosen for good', async () => {
    const { page, open } = await openViewer({ context: { colorScheme: 'dark' } });
    const brightness = async () => {
      const color = (await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')) as string;
      return Math.max(...(color.match(/\d+/g) ?? []).map(Number));
    };
    await open('/');
    expect(await brightness()).toBeLessThan(60);
    await page.getByRole('button', { name: /^Colours: system/ }).click();
    expect(await brightness()).toBeGreaterThan(200);
    await page.reload();
    await page.getByRole('button', { name: /^Colours: light/ }).click();
    expect(await brightness()).toBeLessThan(60);
  });

  test('at 375 px nothing is wider than the window, and the log takes the place of the tree', async () => {
    const viewer = await openViewer({ context: { viewport: { width: 375, height: 700 } } });
    const { page, open } = viewer;
    const session = await fill(viewer);
    const width = () => page.evaluate('document.scrollingElement.scrollWidth');
    await open('/');
    await page.locator('.session-row').waitFor();
    expect(await width()).toBe(375);
    await page.locator('.session-row a').click();
    const items = page.getByRole('treeitem');
    await items.nth(2).waitFor();
    expect(await width()).toBe(375);
    await items.nth(2).click();
    await page.getByRole('tab', { name: 'Content' }).waitFor();
    expect(await page.getByRole('tree').isVisible()).toBe(false);
    expect(await width()).toBe(375);
    await page.getByRole('link', { name: 'Compare' }).click();
    await items.nth(3).click();
    await page.getByRole('heading', { name: 'Comparison' }).waitFor();
    expect(await width()).toBe(375);
    await page.getByRole('button', { name: 'Stop comparing' }).click();
    await page.getByRole('button', { name: 'Close the log' }).click();
    expect(await page.getByRole('tree').isVisible()).toBe(true);
    expect(page.url()).toContain(session);
  });

  test('a session of 5,000 logs has few elements, and scrolls to its end', async () => {
    const { page, open, post } = await openViewer();
    let session = '';
    for (let wave = 0; wave < 5; wave += 1) {
      const [first] = await post(
        Array.from({ length: 1000 }, (_, index) => ({
          ...{ project: 'p', session_reference_id: 's', reference_id: `${wave}-${index}`, metadata: { trace_id: 't' } },
          ...(wave > 0 && { parent_reference_id: `${wave - 1}-${index}` }),
          ...{ config: { type: 'tool', name: `step ${wave}` }, duration: 0.01, output: `${wave}-${index}` },
        })),
      );
      session = first!.session_id;
    }
    await open(`/sessions/${session}`);
    await page.getByRole('treeitem').first().waitFor();
    // Each frame of scrolling has the rows in view, and no others.
    const [rows, elements] = (await page.evaluate(`new Promise((resolve) => {
      const tree = document.querySelector('.tree');
      let [frames, leastRows, mostElements] = [0, Infinity, 0];
      const step = () => {
        leastRows = Math.min(leastRows, tree.querySelectorAll('[role=treeitem]').length);
        mostElements = Math.max(mostElements, document.querySelectorAll('*').length);
        tree.scrollTop += 700;
        frames += 1;
        if (frames < 60) requestAnimationFrame(step);
        else resolve([leastRows, mostElements]);
      };
      requestAnimationFrame(step);
    })`)) as [number, number];
    expect(rows).toBeGreaterThan(5);
    expect(elements).toBeLessThan(2_500);
    await page.getByRole('tree').focus();
    await page.keyboard.press('End');
    await page.getByRole('heading', { name: 'step 4' }).waitFor();
  });
});
