/** Where the name of a project comes from, if no option names it. */
import { resources } from '@opentelemetry/sdk-node';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { expect, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { startTestServer } from '../support/start-test-server.ts';

const ATTRIBUTES = { attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' } };

test('a resource is read when its asynchronous attributes have come', async () => {
  const server = await startTestServer();
  const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl });
  const name = new Promise<string>((resolve) => setTimeout(resolve, 300, 'found-late'));
  const resource = resources.detectResources({
    detectors: [{ detect: () => ({ attributes: { 'service.name': name } }) }],
  });
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.getTracer('app').startSpan('chat gpt-4o', ATTRIBUTES).end();
  await processor.forceFlush();
  await provider.shutdown();
  const { body } = await server.call('GET', '/v4/projects');
  expect((body as { records: { name: string }[] }).records.map((project) => project.name)).toEqual(['found-late']);
});
