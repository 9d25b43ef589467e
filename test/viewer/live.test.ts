import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { chatAttributes, describeInBrowser, openViewer } from './browser.ts';

function log(session: string, output: string) {
  return { project: 'p', session_reference_id: session, config: { type: 'generic' }, output };
}

describeInBrowser('the viewer while an app runs', () => {
  test('says how to begin, then shows a trace as it happens, and its end', async () => {
    const { page, server, open, startApp } = await openViewer();
    await open('/');
    await page.getByText('Waiting for the first log').waitFor();
    const code = await page.locator('.code-block pre').textContent();
    expect(code).toContain(`baseUrl: '${server.url}/v4'`);
    expect(code?.split('\n')).toHaveLength(4);

    const { provider } = startApp();
    const tracer = provider.getTracer('test');
    const agent = tracer.startSpan('invoke_agent planner', {
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'planner',
        'gen_ai.request.model': 'gpt-4o-mini',
      },
    });
    const below = trace.setSpan(context.active(), agent);
    tracer.startSpan('chat gpt-4o-mini', { attributes: chatAttributes('Where to?', 'To Oslo.') }, below).end();
    // The call is due, and its open agent with it: the viewer shows the agent running.
    const row = page.getByRole('row').filter({ hasText: 'Where to?' });
    await row.getByText('running').waitFor();
    await row.getByRole('link').click();
    const agentRow = page.getByRole('treeitem').filter({ hasText: 'planner' });
    await agentRow.getByRole('img', { name: 'running' }).waitFor();
    await page.locator('.bar.is-running').waitFor();

    tracer.startSpan('chat gpt-4o-mini', { attributes: chatAttributes('And then?', 'To Bergen.') }, below).end();
    await page.getByRole('treeitem').filter({ hasText: 'To Bergen.' }).waitFor();
    const failed = tracer.startSpan('chat gpt-4o-mini', { attributes: chatAttributes('And back?') }, below);
    failed.setStatus({ code: SpanStatusCode.ERROR, message: 'overloaded' });
    failed.end();
    agent.end();
    await page.getByRole('treeitem').filter({ hasText: 'overloaded' }).waitFor();
    await agentRow.getByRole('img', { name: '1 failed below' }).waitFor();
    await page.locator('.bar.is-running').waitFor({ state: 'detached' });
    expect(await page.getByRole('treeitem').count()).toBe(5);
  });

  test('a new session comes to the top, and a changed one moves there', async () => {
    const { page, open, post } = await openViewer();
    await post(log('first', 'one'));
    await open('/');
    await page.getByText('one').waitFor();
    await post(log('second', 'two'));
    await page.getByText('two').waitFor();
    const titles = () => page.locator('.session-row a').allTextContents();
    expect(await titles()).toEqual(['second', 'first']);
    await post(log('first', 'three'));
    await page.getByText('three').waitFor();
    expect(await titles()).toEqual(['first', 'second']);
  });

  test('the row that has the focus keeps it when it moves, and is the one that Enter opens', async () => {
    const { page, open, post } = await openViewer();
    for (const name of ['first', 'second', 'third']) await post(log(name, `of the ${name}`));
    await open('/');
    await page.getByText('of the third').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const focused = page.locator('.session-row a:focus');
    expect(await focused.textContent()).toBe('second');
    await post(log('fourth', 'of the fourth'));
    await page.getByText('of the fourth').waitFor();
    expect(await focused.textContent()).toBe('second');
    await post(log('second', 'again'));
    await page.getByText('again').waitFor();
    expect(await page.locator('.session-row a').first().textContent()).toBe('second');
    expect(await focused.textContent()).toBe('second');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'fourth' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused.textContent()).toBe('fourth');
  });

  test('what happened while the server was away is there when it is back', async () => {
    const { page, server, open, post } = await openViewer();
    await post({ project: 'p', session_reference_id: 's', config: { type: 'generic' }, output: 'before' });
    await open('/');
    await page.getByText('Live').waitFor();
    await page.context().setOffline(true);
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await server.call('POST', '/v4/logs', {
      project: 'p',
      session_reference_id: 't',
      config: { type: 'generic' },
      output: 'meanwhile',
    });
    await page.context().setOffline(false);
    await page.getByText('meanwhile').waitFor();
  });
});
