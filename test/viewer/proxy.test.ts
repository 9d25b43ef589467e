/** The viewer below a path, as a proxy puts it there. */
import { expect, test } from 'vitest';
import { startProxy } from '../server/http/proxy.ts';
import { startTestServer } from '../support/start-test-server.ts';
import { describeInBrowser, openPage } from './browser.ts';

describeInBrowser('the viewer behind a proxy', () => {
  test.each([
    ['/base', false, true],
    ['/base', true, false],
    ['/a%20b/c', false, false],
    ['', true, false],
  ])(
    'below %j (path taken away: %s, host kept: %s) works from login to logout',
    async (basePath, takesAway, keepsHost) => {
      const log = {
        ...{ project: 'p', session_reference_id: 's 1/ä', config: { type: 'model', model: 'gpt-4' } },
        ...{ messages: [{ role: 'user', content: 'hello' }], output: 'the first answer' },
      };
      const origin = await startProxy({ basePath, takesAway, keepsHost }, async (address) => {
        const server = await startTestServer({ apiKey: 'right', publicUrl: address + basePath });
        const { status } = await server.call('POST', '/v4/logs', log, { 'x-api-key': 'right' });
        expect(status).toBe(200);
        return server.port;
      });
      const page = await openPage(origin + basePath);
      await page.goto(`${origin}${basePath}/`);
      await page.getByLabel('Key').fill('right');
      await page.getByRole('button', { name: 'Open the viewer' }).click();
      const row = page.getByRole('row').filter({ hasText: 'the first answer' });
      await row.getByRole('link').click();
      await page.getByRole('heading', { name: 'hello' }).waitFor();
      expect(new URL(page.url()).pathname).toMatch(new RegExp(`^${basePath}/sessions/sesh_\\w+$`));
      await page.getByText('Live').waitFor();

      // The page, its files and its data again from the address, with a slash and without.
      const address = page.url();
      await page.reload();
      await page.getByRole('heading', { name: 'hello' }).waitFor();
      await page.goto(`${address}/`);
      await page.getByRole('heading', { name: 'hello' }).waitFor();
      await page.locator('a.brand').click();
      await row.waitFor();
      expect(new URL(page.url()).pathname).toBe(`${basePath}/`);
      if (basePath !== '') {
        await page.goto(origin + basePath);
        await row.waitFor();
      }

      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Key').waitFor();
      await page.reload();
      await page.getByLabel('Key').waitFor();
    },
  );
});
