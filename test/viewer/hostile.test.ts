import { expect, test } from 'vitest';
import { describeInBrowser, openViewer } from './browser.ts';

const SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(2)>';
const MARKDOWN = [
  SCRIPT,
  '[click](javascript:alert(3)) [data](data:text/html,<script>alert(4)</script>) [ok](https://example.com "t")',
  '![remote](https://tracker.example/pixel.png) <iframe src="https://evil.example"></iframe>',
  '[ref]: javascript:alert(5)\n\n[ref]',
  '<svg onload=alert(6)> &lt;b&gt; `<b>code</b>`',
  '| a |\n|---|\n| <script>alert(7)</script> |',
].join('\n\n');
const RIGHT_TO_LEFT = '\u202Eevil\u202C שלום עולם';
const ZERO_WIDTH = '\u200B\u200B\u2060';

function hostileLog(fields: object): object {
  return {
    project: SCRIPT,
    session_reference_id: `hostile ${SCRIPT}`,
    source: SCRIPT,
    environment: SCRIPT,
    inputs: { [SCRIPT]: SCRIPT, __proto__x: { constructor: SCRIPT } },
    metadata: { [SCRIPT]: [SCRIPT, { deep: SCRIPT }], trace_id: SCRIPT },
    messages: [
      { role: 'system', content: MARKDOWN, name: SCRIPT },
      {
        role: 'user',
        content: [
          { type: 'text', text: MARKDOWN },
          { type: 'image_url', image_url: { url: 'https://tracker.example/2.png' } },
          { type: 'image_url', image_url: { url: 'javascript:alert(8)' } },
          {
            type: 'image_url',
            image_url: { url: `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(9)'/>` },
          },
        ],
      },
      {
        role: 'assistant',
        tool_calls: [
          { id: SCRIPT, type: 'function', function: { name: SCRIPT, arguments: `{"a": ${JSON.stringify(SCRIPT)}}` } },
        ],
      },
      { role: 'tool', tool_call_id: SCRIPT, content: MARKDOWN },
    ],
    output: MARKDOWN,
    output_message: { role: 'assistant', content: MARKDOWN },
    stdout: SCRIPT,
    config: {
      type: 'model',
      model: SCRIPT,
      prompt_template: SCRIPT,
      tools: [{ name: SCRIPT, description: SCRIPT, parameters: { [SCRIPT]: SCRIPT } }],
      other: { [SCRIPT]: SCRIPT },
    },
    feedback: [{ type: SCRIPT, value: SCRIPT, user: SCRIPT }],
    provider_request: { [SCRIPT]: SCRIPT },
    provider_response: SCRIPT,
    ...fields,
  };
}

describeInBrowser('the viewer and what others have written', () => {
  test('scripts in every field are text, on every page and tab', async () => {
    const { page, post, open, server } = await openViewer();
    await post([
      hostileLog({ reference_id: SCRIPT, error: `${SCRIPT}\n${SCRIPT}` }),
      hostileLog({ parent_reference_id: `missing ${SCRIPT}`, duration: 1 }),
    ]);
    await open('/');
    await page.getByRole('row').nth(1).getByRole('link').click();
    const logs = page.getByRole('treeitem').filter({ hasText: 'script' });
    await logs.first().waitFor();
    expect(await logs.count()).toBe(2);
    for (const index of [0, 1]) {
      await logs.nth(index).click();
      for (const name of ['Config', 'Metadata', 'Raw', 'Content']) {
        await page.getByRole('tab', { name }).click();
        await page.locator('#log-part', { hasText: '<script>' }).waitFor();
        for (const toggle of await page.locator('.json-toggle[aria-expanded="false"]').all()) await toggle.click();
      }
      // Every link leads to an allowed address, and does not give its target access to this page.
      const links = await page
        .locator('.log-part a')
        .evaluateAll((all: Record<'href' | 'rel' | 'target', string>[]) =>
          all.map(({ href, rel, target }) => ({ href, rel, target })),
        );
      const safe = { href: 'https://example.com/', rel: 'noopener noreferrer nofollow ugc', target: '_blank' };
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) expect(link).toEqual(safe);
      await page.getByRole('button', { name: 'External image: remote' }).first().click();
      await page.locator('.remote-image code', { hasText: 'https://tracker.example/pixel.png' }).first().waitFor();
    }
    await page.getByRole('link', { name: 'Compare' }).click();
    await logs.nth(0).click();
    await page.getByRole('heading', { name: 'Comparison' }).waitFor();
    expect(await page.locator('.log-pane script, .log-pane iframe, .log-pane svg[onload]').count()).toBe(0);
    await page.goto(`${server.url}/?q=${encodeURIComponent(SCRIPT)}`);
    await page.locator('mark').first().waitFor();
    for (const select of await page.locator('.filters select').all())
      expect(await select.locator('script').count()).toBe(0);
  });

  test('5 MB of output are folded, and the page answers meanwhile', async () => {
    const { page, post, open } = await openViewer();
    const output = `${'All work and no play. '.repeat(240_000)}the end`;
    const deep = `${'['.repeat(3_000)}${']'.repeat(3_000)}`;
    const [log] = await post({
      project: 'p',
      session_reference_id: 's',
      config: { type: 'generic' },
      output,
      inputs: { deep, line: 'x'.repeat(1_000_000) },
    });
    await open('/');
    await page.goto(`${page.url()}sessions/${log!.session_id}?log=${log!.id}`);
    await page.getByRole('button', { name: /Show 200 kB more, of 5\.\d MB/ }).waitFor();
    expect(await page.evaluate('document.body.textContent.length')).toBeLessThan(50_000);
    await page
      .getByRole('button', { name: /Show 200 kB more/ })
      .last()
      .click();
    await page.getByRole('tab', { name: 'Raw' }).click();
    await page.getByRole('button', { name: /Show 200 kB more/ }).waitFor();
  });

  test('right-to-left and zero-width text stays where it is', async () => {
    const { page, post, open } = await openViewer();
    await post([
      {
        project: RIGHT_TO_LEFT,
        session_reference_id: 'a',
        config: { type: 'tool', name: RIGHT_TO_LEFT },
        inputs: { prompt: RIGHT_TO_LEFT },
        output: `שלום ${RIGHT_TO_LEFT}`,
      },
      {
        project: ZERO_WIDTH,
        session_reference_id: ZERO_WIDTH,
        config: { type: 'tool', name: ZERO_WIDTH },
        inputs: { prompt: ZERO_WIDTH },
        output: ZERO_WIDTH,
      },
    ]);
    await open('/');
    await page.locator('.session-row', { hasText: '(no visible text)' }).waitFor();
    const turned = page.locator('.session-row', { hasText: 'evil' });
    expect(await turned.textContent()).not.toContain('\u202E');
    // The cells keep their order and their place.
    const [text, project] = await Promise.all([
      turned.locator('.cell-text').boundingBox(),
      turned.locator('.cell-project').boundingBox(),
    ]);
    expect(text!.x + text!.width).toBeLessThanOrEqual(project!.x);
    await turned.getByRole('link').click();
    await page.getByRole('treeitem').filter({ hasText: 'evil' }).click();
    await page.getByRole('heading', { name: 'tool evil' }).waitFor();
    expect(
      await page
        .locator('.markdown')
        .first()
        .evaluate(
          (text: object) =>
            (globalThis as unknown as { getComputedStyle(element: object): { direction: string } }).getComputedStyle(
              text,
            ).direction,
        ),
    ).toBe('rtl');
  });

  test('other origins and other names of this machine get nothing', async () => {
    const { server } = await openViewer();
    const origin = { origin: 'https://page.example' };
    expect((await server.call('POST', '/v4/feedback', {}, origin)).status).toBe(403);
    expect((await server.call('POST', '/viewer/api/login', {}, origin)).status).toBe(403);
    const page = await fetch(server.url);
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    const html = await page.text();
    const [script] = /\/viewer\/assets\/viewer-\w+\.js/.exec(html)!;
    const asset = await fetch(server.url + script);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset.headers.get('content-encoding')).toBe('gzip');
    expect((await fetch(`${server.url}/viewer/assets/viewer-..%2Findex.html`)).status).toBe(404);
  });
});
