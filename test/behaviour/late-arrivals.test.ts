/** What finds its log after the trace was delivered and other traces have come: judgements, doubles, updates. */
import type { Span } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import type { HumanloopSpanProcessor } from '../../src/index.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf, referenceOf, type TracedApp } from '../support/traced-app.ts';

type App = TracedApp<HumanloopSpanProcessor>;

const OTHER_TRACES = [1, 100, 4_000];
const ANSWER = { ...CHAT, ...outputOf('Paris'), 'gen_ai.response.id': 'answer-1' };

/** An app whose agent has made a call, after which other traces have come. All is delivered. */
async function withCall(server: MisbehavingV4, otherTraces: number): Promise<{ app: App; agent: Span; call: Span }> {
  const app = appWithProcessor(server);
  const agent = app.start('agent', { attributes: AGENT });
  const call = app.start('call', { parent: agent, attributes: ANSWER });
  call.end();
  agent.end();
  for (let left = otherTraces; left > 0; left -= 500) {
    await app.client.forceFlush();
    for (let count = 0; count < Math.min(left, 500); count++) app.start('other').end();
  }
  await app.client.forceFlush();
  return { app, agent, call };
}

test.each(OTHER_TRACES)('after %d traces, a judgement that names an answer is about its call', async (count) => {
  const server = await startMisbehavingV4();
  const { app, agent, call } = await withCall(server, count);
  app.client.addEvent(agent, {
    name: 'gen_ai.evaluation.result',
    attributes: {
      'gen_ai.evaluation.name': 'Relevance',
      'gen_ai.evaluation.score.label': 'good',
      'gen_ai.response.id': 'answer-1',
    },
    time: [1_700_000_000, 0],
  });
  await app.client.forceFlush();
  app.expectDelivered();
  expect([...server.feedback.keys()]).toEqual([referenceOf(call)]);
});

test.each([1, 100])('after %d traces, another span of a call makes no second log of it', async (count) => {
  const server = await startMisbehavingV4();
  const { app, call } = await withCall(server, count);
  const before = server.logs.size;
  const { startTime, endTime } = call as unknown as { startTime: [number, number]; endTime: [number, number] };
  const options = { startTime, attributes: { ...ANSWER, 'gen_ai.usage.input_tokens': 1 } };
  const double = app.provider.getTracer('another instrumentation').startSpan('call', options);
  double.end(endTime);
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(before);
  // What is said of it goes to the log of the call, as what is said of the call itself does.
  app.client.update(double, { output: 'Paris, France' });
  await app.client.forceFlush();
  expect(app.log(call)?.output).toBe('Paris, France');
  app.client.update(call, { output: 'Paris, Texas' });
  await app.client.forceFlush();
  expect(app.log(call)?.output).toBe('Paris, Texas');
  app.expectDelivered();
});

test.each([1, 100])('after %d traces, a child is below its parent, and an update is sent', async (count) => {
  const server = await startMisbehavingV4();
  const { app, agent, call } = await withCall(server, count);
  const child = app.start('late', { parent: call });
  child.end();
  app.client.update(agent, { output: 'done' });
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(child)?.parent_reference_id).toBe(referenceOf(call));
  expect(app.log(agent)?.output).toBe('done');
});
