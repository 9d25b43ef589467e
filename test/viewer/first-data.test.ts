import { once } from 'node:events';
import { get } from 'node:http';
import { expect, test } from 'vitest';
import { describeInBrowser, openViewer } from './browser.ts';

const log = (session: string, fields: object = {}) => ({
  project: 'p',
  session_reference_id: session,
  config: { type: 'model', model: 'gpt-4o' },
  inputs: { prompt: `asked in ${session}` },
  output: `answered in ${session}`,
  duration: 1,
  ...fields,
});

/** What is in the page's data block. */
async function blockOf(url: string, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await fetch(url, { headers });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return JSON.parse(/id="first-data">(.*)<\/script>/.exec(await answer.text())![1]!);
}

describeInBrowser('the data that comes with the page', () => {
  test('rows and tree are there without another request', async () => {
    const { page, server, open, post } = await openViewer();
    const [first] = await post(log('first'));
    await post(log('second', { error: 'boom' }));
    await open('/');
    await page.getByText('asked in second').waitFor();
    await page.getByText('asked in first').waitFor();
    await page.route('**/viewer/api/**', (route) => route.abort());
    await open('/');
    expect(await page.locator('.session-row a').allTextContents()).toEqual(['asked in second', 'asked in first']);
    await open('/?error=1');
    expect(await page.locator('.session-row a').allTextContents()).toEqual(['asked in second']);
    await open(`/?q=${encodeURIComponent('in first')}`);
    expect(await page.locator('.session-row mark').allTextContents()).toContain('first');
    await open(`/sessions/${first!.session_id}`);
    expect(await page.getByRole('treeitem').count()).toBe(1);
    expect(server.url).toBe(new URL(page.url()).origin);
  });

  test('what changes after the page was written is not missed', async () => {
    const { page, server, post } = await openViewer();
    await post(log('first'));
    // Between the page and the stream of changes.
    await page.route('**/viewer/api/events', async (route) => {
      await post(log('late'));
      await expect.poll(async () => JSON.stringify(await blockOf(server.url))).toContain('answered in late');
      await route.continue();
    });
    await page.goto(server.url);
    await page.getByText('answered in late').waitFor();
  });

  test('is the data of the API, and none where the page has to ask', async () => {
    const { server, post } = await openViewer();
    const [first] = await post(log('first'));
    const list = async () => (await server.call('GET', '/viewer/api/sessions?model=gpt-4o')).body;
    // The index follows a write.
    await expect.poll(async () => (await list()).sessions.length).toBe(1);
    const sessions = await list();
    expect(await blockOf(`${server.url}/?model=gpt-4o`)).toMatchObject({ sessions: { sessions: sessions.sessions } });
    const path = `/sessions/${first!.session_id}`;
    const session = (await server.call('GET', `/viewer/api${path}`)).body;
    expect(await blockOf(`${server.url}${path}?tab=raw`)).toMatchObject({ session: { logs: session.logs } });
    // A time can be relative to the reader's clock; the others are not filters of the page.
    for (const query of ['since=15m', 'cursor=1', 'size=200', 'utm=x', `q=${'x'.repeat(600)}`]) {
      expect(await blockOf(`${server.url}/?${query}`)).toBeNull();
    }
    expect(await blockOf(`${server.url}/sessions/none`)).toBeNull();
  });

  test('is given to nobody without the key', async () => {
    const { server, post } = await openViewer({ server: { apiKey: 'right' } });
    await post(log('first'));
    expect(await blockOf(server.url)).toBeNull();
    expect(await blockOf(server.url, { 'x-api-key': 'wrong' })).toBeNull();
    expect(await blockOf(server.url, { cookie: 'humanloop_otel=1' })).toBeNull();
    const login = await server.call('POST', '/viewer/api/login', { api_key: 'right' });
    const cookie = login.headers.get('set-cookie')!.split(';')[0]!;
    expect(await blockOf(server.url, { cookie })).toMatchObject({ sessions: { sessions: [{ logs: 1 }] } });
    // Under a foreign host name that leads here, even with the cookie.
    const [answer] = await once(get(server.url, { headers: { cookie, host: 'evil.example' } }), 'response');
    answer.resume();
    expect(answer.statusCode).toBe(403);
  });
});
