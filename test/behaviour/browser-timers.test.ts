/** Test environments and Electron put a browser's timers in the place of Node's: a timer is a number there. */
import { expect, test } from 'vitest';
import { createApp, runApp } from '../support/installed-app.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { startProxy } from '../support/proxy.ts';

test.each(['directly', 'through a proxy'])(
  'logs arrive %s where timers are numbers: undici starts none',
  async (way) => {
    const server = await startMisbehavingV4();
    const proxy = await startProxy(server.baseUrl);
    const proxied = { HUMANLOOP_BASE_URL: 'http://logs.invalid/v4', NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url };
    const env = way === 'directly' ? { HUMANLOOP_BASE_URL: server.baseUrl } : proxied;
    const source = `
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
    import { HumanloopSpanProcessor } from 'humanloop-otel';
    const start = setTimeout;
    globalThis.setTimeout = (...args) => {
      if (new Error().stack.includes('/undici/')) console.log('undici starts a timer');
      return Number(start(...args).unref());
    };
    const processor = new HumanloopSpanProcessor();
    const provider = new BasicTracerProvider({ spanProcessors: [processor] });
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' };
    for (let turn = 0; turn < 3; turn++) {
      provider.getTracer('app').startSpan('chat', { attributes }).end();
      await provider.forceFlush();
    }
    await provider.shutdown();
    console.log(JSON.stringify(processor.stats()));`;
    const app = await createApp({ packages: ['@opentelemetry/sdk-trace-base'], files: { 'app.mjs': source } });
    const { code, stdout, stderr } = await runApp(app, ['app.mjs'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('unref') });
    expect(stdout).not.toContain('undici');
    expect(JSON.parse(stdout)).toMatchObject({ logged: 3, dropped: {} });
  },
);
