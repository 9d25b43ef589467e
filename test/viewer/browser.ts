/** A real browser on a real server that is fed by the real exporter. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import type { ServerOptions } from '../../src/server/index.ts';
import { startTestServer, type TestServer } from '../support/start-test-server.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

let browser: Browser;

/** Runs the tests of one file in one browser; skips them, and says so, if there is none. */
export function describeInBrowser(name: string, tests: () => void): void {
  const hasChromium = existsSync(CHROMIUM);
  if (!hasChromium) console.warn(`${name}: left out, as there is no ${CHROMIUM} (set CHROMIUM to where it is)`);
  describe.runIf(hasChromium)(name, () => {
    beforeAll(async () => {
      const root = fileURLToPath(new URL('../../', import.meta.url));
      execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build-viewer.ts'], { cwd: root, stdio: 'pipe' });
      browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    });
    afterAll(() => browser?.close());
    tests();
  });
}

export interface Viewer {
  readonly server: TestServer;
  readonly page: Page;
  /** Opens a path and waits for its content. */
  open(path: string): Promise<void>;
  /** Sends logs over HTTP, as any client of v4 could. */
  post(logs: unknown): Promise<{ id: string; session_id: string }[]>;
  /** Starts a traced app: the spans of this provider become logs. */
  startApp(): { provider: BasicTracerProvider; processor: HumanloopSpanProcessor };
}

/**
 * Fails the test at its end if the page broke its own policy, threw, or sent a request to another address than those
 * that begin with `root`.
 */
export async function openPage(root: string, contextOptions: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...contextOptions });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`threw ${error.stack}`));
  page.on('dialog', (dialog) => void dialog.dismiss().then(() => faults.push(`opened a dialog: ${dialog.message()}`)));
  page.on('request', (request) => {
    if (!request.url().startsWith(root) && !request.url().startsWith('data:'))
      faults.push(`asked for ${request.url()}`);
  });
  await context.exposeFunction('reportViolation', (text: string) => faults.push(`broke its policy: ${text}`));
  await context.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', (event) => {
      reportViolation(event.violatedDirective + ' ' + event.blockedURI);
    });`,
  });
  onTestFinished(() => expect(faults).toEqual([]));
  return page;
}

export async function openViewer(
  options: { context?: BrowserContextOptions; server?: ServerOptions } = {},
): Promise<Viewer> {
  const server = await startTestServer(options.server);
  const page = await openPage(server.url, options.context);
  const key = options.server?.apiKey;
  const headers = key === undefined ? undefined : { 'x-api-key': key };
  return {
    server,
    page,
    open: async (path) => {
      await page.goto(server.url + path);
      await page.locator('main').waitFor();
    },
    post: async (logs) => {
      const answer = await server.call('POST', '/v4/logs', logs, headers);
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return [answer.body].flat();
    },
    startApp: () => {
      const processor = new HumanloopSpanProcessor({
        baseUrl: server.baseUrl,
        project: 'app',
        holdMillis: 100,
        ...(key && { apiKey: key }),
      });
      const provider = new BasicTracerProvider({ spanProcessors: [processor] });
      onTestFinished(() => provider.shutdown());
      return { provider, processor };
    },
  };
}

/** The attributes that an instrumentation sets on a chat call. */
export function chatAttributes(question: string, answer?: string): Record<string, string | number> {
  const message = (role: string, content: string) => ({ role, parts: [{ type: 'text', content }] });
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o-mini',
    'gen_ai.input.messages': JSON.stringify([message('user', question)]),
    ...(answer !== undefined && {
      'gen_ai.output.messages': JSON.stringify([{ ...message('assistant', answer), finish_reason: 'stop' }]),
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 5,
    }),
  };
}
