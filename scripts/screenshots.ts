/** `npm run screenshots`: the pictures of the README, of the viewer with what the example app logs. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from 'humanloop-otel/server';
import { chromium } from 'playwright-core';
import { openModel, runExample } from './run-example.ts';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const WIDTH = 1280;

const directory = mkdtempSync(join(tmpdir(), 'humanloop-otel-screenshots-'));
const server = await startServer({ port: 0, file: join(directory, 'logs.db') });
const model = await openModel();
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
  ],
});
try {
  mkdirSync(IMAGES, { recursive: true });
  if ((await runExample('app', server.baseUrl, model)) !== 0) throw new Error('The example app has failed.');
  const page = await browser.newPage({ colorScheme: 'light' });
  const shoot = async (name: string, height: number) => {
    await page.setViewportSize({ width: WIDTH, height });
    // The pointer would leave a row highlighted.
    await page.mouse.move(WIDTH - 1, height - 1);
    await page.waitForTimeout(300);
    await page.screenshot({ path: `${IMAGES}${name}.png` });
  };
  await page.setViewportSize({ width: WIDTH, height: 600 });
  await page.goto(server.url);
  await page.getByText('Take the 08:03').waitFor();
  await shoot('sessions', 364);
  await page.getByRole('link', { name: 'Plan my trip' }).click();
  await page.getByRole('treeitem').filter({ hasText: 'find_trains' }).first().waitFor();
  await shoot('session', 346);
  await page.getByRole('treeitem').filter({ hasText: '08:03 from Bergen' }).last().click();
  await page.getByText('Output').first().waitFor();
  await shoot('log', 900);
} finally {
  await browser.close();
  model.close();
  await server.close();
  rmSync(directory, { recursive: true });
}
