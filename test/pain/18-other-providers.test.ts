/** Another SDK was there first, or a part of OpenTelemetry is missing. */
import { context, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { collectDiag } from '../support/collect-diag.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, type appWithProcessor, CHAT } from '../support/traced-app.ts';

beforeEach(() => void vi.resetModules());

/** In a process that has not said anything yet. */
async function freshApp(...args: Parameters<typeof appWithProcessor>): Promise<ReturnType<typeof appWithProcessor>> {
  const fresh = await import('../support/traced-app.ts');
  return fresh.appWithProcessor(...args);
}

test('18: with the provider of another SDK in the global place, one of its own logs all that it is given', async () => {
  const foreign = new BasicTracerProvider();
  expect(trace.setGlobalTracerProvider(foreign)).toBe(true);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => {
    trace.disable();
    context.disable();
  });
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  expect(trace.setGlobalTracerProvider(app.provider)).toBe(false);
  // A span of the other SDK is around it: a parent that nobody here has seen or will see.
  trace.getTracer('other').startActiveSpan('request of the other SDK', (request) => {
    app.start('call', { parent: request }).end();
    request.end();
  });
  await app.client.forceFlush();
  app.expectDelivered();
  expect([...server.logs.values()].map((log) => log.parent_reference_id)).toEqual([undefined]);
});

function runAgent(tracer: Tracer): void {
  tracer.startActiveSpan('agent', { attributes: AGENT }, (agent) => {
    tracer.startActiveSpan('call', { attributes: CHAT }, (call) => call.end());
    agent.end();
  });
}

test('34: without a context manager all is logged, in a session of its own each, and one line says why', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  for (let run = 0; run < 3; run++) runAgent(app.provider.getTracer('app'));
  await app.client.forceFlush();
  expect(server.logs.size).toBe(6);
  expect(server.breaches).toEqual([]);
  expect(diagnostics.lines).toEqual([expect.stringContaining('no OpenTelemetry context manager is registered')]);
});

test('18: nothing is said where nothing is wrong', async () => {
  const diagnostics = collectDiag();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  for (let run = 0; run < 3; run++) runAgent(app.provider.getTracer('app'));
  app.start('call').end();
  await app.client.forceFlush();
  expect(server.logs.size).toBe(7);
  expect(diagnostics.lines).toEqual([]);
});

test('18: a script that makes calls only, without a context manager, is not told that it lacks one', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const app = await freshApp(server);
  for (let call = 0; call < 3; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(diagnostics.lines).toEqual([]);
});
