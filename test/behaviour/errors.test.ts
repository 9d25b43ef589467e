/** The places where a span reports its failure. */
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT } from '../support/traced-app.ts';

const ERROR = 2;

test('errors in the status, in an exception event, in error.type and in the finish reason are errors of the log', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const byStatus = app.start('status');
    byStatus.setStatus({ code: ERROR, message: 'status says no' });
    const byEvent = app.start('event');
    byEvent.recordException(new TypeError('event says no'));
    byEvent.setStatus({ code: ERROR });
    const byType = app.start('type', { attributes: { ...CHAT, 'error.type': 'timeout' } });
    byType.setStatus({ code: ERROR });
    const byReason = app.start('finish reason', {
      attributes: { ...CHAT, 'gen_ai.response.finish_reasons': ['error'] },
    });
    const bare = app.start('bare');
    bare.setStatus({ code: ERROR });
    const fine = app.start('fine');
    const spans = [byStatus, byEvent, byType, byReason, bare, fine];
    for (const span of spans) span.end();
    await app.flush();
    app.expectDelivered();
    expect(spans.map((span) => app.log(span)?.error)).toEqual([
      expect.stringContaining('status says no'),
      expect.stringContaining('event says no'),
      expect.stringContaining('timeout'),
      expect.stringMatching(/./),
      expect.stringMatching(/./),
      undefined,
    ]);
  }
});

test('an error that comes after the log was posted open is sent as an update', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 0 });
  const root = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: root }).end();
  await expect.poll(() => app.stats.logged).toBe(2);
  root.recordException(new Error('broke late'));
  root.setStatus({ code: ERROR, message: 'broke late' });
  root.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(root)?.error).toContain('broke late');
});
