import { expect, test } from 'vitest';
import { describeInBrowser, openViewer, type Viewer } from './browser.ts';

/** Calls `act` and returns the longest task of the page until `isDone`, in milliseconds. */
async function longestTask({ page }: Viewer, act: () => Promise<unknown>): Promise<number> {
  await page.addInitScript({
    content: `window.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
      }).observe({ type: 'longtask', buffered: true });`,
  });
  await act();
  return (await page.evaluate('window.longest')) as number;
}

/** What this machine needs for a fixed piece of work, in milliseconds, the longest of some: others share it, so only ratios count. */
async function yardstick({ page }: Viewer): Promise<number> {
  return (await page.evaluate(`(() => {
    let [longest, sum] = [0, 0];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const start = performance.now();
      for (let index = 0; index < 2e7; index += 1) sum += Math.sqrt(index);
      longest = Math.max(longest, performance.now() - start);
    }
    return longest + (sum > 0 ? 0 : 1);
  })()`)) as number;
}

describeInBrowser('what is large', () => {
  test('50 messages of 19 kB markdown do not freeze the page', async () => {
    const viewer = await openViewer();
    const { page, post, server } = viewer;
    const part =
      '## Title\n\nSome **bold** and _italic_ text with `code` and [a link](https://example.com).\n\n- one\n- two\n\n';
    const content = part.repeat(Math.ceil(19_000 / part.length)).slice(0, 19_000);
    const messages = Array.from({ length: 50 }, () => ({ role: 'user', content }));
    const [log] = await post({
      ...{ project: 'p', session_reference_id: 's', config: { type: 'generic' }, messages },
      output: '_a__b'.repeat(4_000),
    });
    const longest = await longestTask(viewer, async () => {
      await page.goto(`${server.url}/sessions/${log!.session_id}?log=${log!.id}`);
      await page.getByRole('button', { name: /more messages/ }).click();
      await expect.poll(() => page.locator('.message').count()).toBe(51);
    });
    const unit = await yardstick(viewer);
    expect(longest).toBeLessThan(20 * unit);
  });

  test('10 MB of markdown do not freeze the page', async () => {
    const viewer = await openViewer();
    const { page, post, server } = viewer;
    const output = `${'- **bold** and `code`, [a link](https://example.com)\n'.repeat(190_000)}the end`;
    const [log] = await post({ project: 'p', session_reference_id: 's', config: { type: 'generic' }, output });
    const longest = await longestTask(viewer, async () => {
      await page.goto(`${server.url}/sessions/${log!.session_id}?log=${log!.id}`);
      await page.getByRole('button', { name: /Show 200 kB more, of \d+\.\d MB/ }).waitFor();
      await page.waitForTimeout(500);
    });
    const unit = await yardstick(viewer);
    // All of it at once takes many seconds.
    expect(longest).toBeLessThan(50 * unit);
  });

  test('a session of 20,000 logs is read in pieces, and none holds up others', async () => {
    const viewer = await openViewer();
    const { page, post, server } = viewer;
    let session = '';
    for (let wave = 0; wave < 20; wave += 1) {
      const [first] = await post(
        Array.from({ length: 1_000 }, (_, index) => ({
          ...{ project: 'p', session_reference_id: 's', config: { type: 'tool', name: `step ${wave}` } },
          ...{ metadata: { trace_id: `t${wave}` }, duration: 0.01, output: `${wave} ${index}` },
        })),
      );
      session = first!.session_id;
    }
    await page.goto(`${server.url}/sessions/${session}`);
    await page.locator('.facts', { hasText: 'Logs' }).getByText('20.0k').first().waitFor();
    await expect.poll(() => page.locator('.facts', { hasText: 'reading' }).count(), { timeout: 60_000 }).toBe(0);
    await page.locator('.tree').focus();
    await page.keyboard.press('End');
    await page.getByRole('heading', { name: 'step 19' }).waitFor();
    const { body } = await server.call('GET', `/viewer/api/sessions/${session}`);
    expect(body.logs.length).toBeLessThan(1_000);
    expect(body.total).toBe(20_000);
  });
});
