/** An agent whose span names no model has that of the first model call below it, however its trace is cut. */
import { setTimeout } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT } from '../support/traced-app.ts';

const AZURE = { ...CHAT, 'gen_ai.provider.name': 'azure.ai.openai' };
const CLAUDE = { ...CHAT, 'gen_ai.request.model': 'claude-5', 'gen_ai.provider.name': 'anthropic' };
const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' };

const OF_AZURE = { type: 'model', model: 'gpt-4o', provider: 'openai_azure' };

test('the first call to start counts, through tools and agents between', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const outer = app.start('outer', { attributes: AGENT });
    const tool = app.start('tool', { parent: outer, attributes: TOOL });
    const inner = app.start('inner', { parent: tool, attributes: { ...AGENT, 'gen_ai.agent.name': 'inner' } });
    const first = app.start('first', { parent: inner, attributes: CLAUDE });
    // Starts are in whole milliseconds.
    await setTimeout(3);
    const second = app.start('second', { parent: outer, attributes: AZURE });
    for (const span of [second, first, inner, tool, outer]) span.end();
    await app.flush();
    app.expectDelivered();
    const claude = { model: 'claude-5', provider: 'anthropic' };
    expect(app.log(outer)?.config).toMatchObject({ type: 'agent', agent_class: 'agent', model_config: claude });
    expect(app.log(inner)?.config).toMatchObject({ type: 'agent', agent_class: 'inner', model_config: claude });
    expect(app.log(tool)?.config).toEqual({ type: 'tool', name: 'search' });
  }
});

test('what the agent itself says wins, and calls beside it or in another trace do not count', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const root = app.start('root', { attributes: { 'gen_ai.operation.name': 'invoke_workflow' } });
  const named = app.start('named', { parent: root, attributes: { ...AGENT, 'gen_ai.request.model': 'o3' } });
  const silent = app.start('silent', { parent: root, attributes: AGENT });
  const calls = [named, root].map((parent) => app.start('call', { parent, attributes: CLAUDE }));
  for (const span of [...calls, named, silent, root]) span.end();
  await app.flush();
  app.expectDelivered();
  expect(app.log(named)?.config).toMatchObject({ type: 'agent', model_config: { model: 'o3' } });
  expect(app.log(silent)?.config).toEqual({ type: 'generic', name: 'agent' });
  expect(app.log(root)?.config).toMatchObject({ type: 'generic' });
});

test('the cuts of a trace do not matter, nor the order of the ends', async () => {
  const server = await startMisbehavingV4();
  const ends = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
  const flushes = fc.uniqueArray(fc.nat(4));
  const plan = fc.record({ ends, flushes });
  await fc.assert(
    fc.asyncProperty(plan, async ({ ends: order, flushes: after }) => {
      const app = appWithProcessor(server);
      const agent = app.start('agent', { attributes: AGENT });
      const tool = app.start('tool', { parent: agent, attributes: TOOL });
      const spans = [
        app.start('first', { parent: agent, attributes: AZURE }),
        app.start('second', { parent: tool, attributes: CLAUDE }),
        app.start('third', { parent: agent, attributes: CLAUDE }),
        tool,
        agent,
      ];
      // What was sent first cannot know a call that has not ended, so the first call ends first.
      for (const [step, at] of [0, ...order.filter((each) => each !== 0)].entries()) {
        spans[at]?.end();
        if (after.includes(step)) await app.flush();
      }
      await app.flush();
      expect(app.log(agent)?.config).toMatchObject({ type: 'agent', model_config: OF_AZURE });
      await app.client.shutdown();
    }),
    { numRuns: 40 },
  );
});

test('an exporter knows the calls that were exported and sent before the agent', async () => {
  const server = await startMisbehavingV4();
  const app = appWithExporter(server, { missingParent: 'root' });
  const agent = app.start('agent', { attributes: AGENT });
  const step = app.startOther('step', { parent: agent });
  const call = app.start('call', { parent: step, attributes: AZURE });
  for (const span of [call, step, agent]) {
    span.end();
    await app.flush();
  }
  expect(app.log(call)).not.toHaveProperty('parent_reference_id');
  expect(app.log(agent)?.config).toMatchObject({ type: 'agent', model_config: OF_AZURE });
});

test('a log that was sent before any call ended keeps its config', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const agent = app.start('agent', { attributes: AGENT });
  const tool = app.start('tool', { parent: agent, attributes: TOOL });
  tool.end();
  await app.flush();
  const call = app.start('call', { parent: agent, attributes: AZURE });
  call.end();
  agent.end();
  await app.flush();
  app.expectDelivered();
  expect(app.log(agent)?.config).toEqual({ type: 'generic', name: 'agent' });
});

test('a call that names no model has that of the agent above it, if both are of one vocabulary', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const turn = app.start('session_task.turn', { attributes: { 'turn.id': 'turn', model: 'gpt-5-codex' } });
    const step = app.start('try_run_turn', { parent: turn });
    const call = app.start('completed', { parent: step, attributes: { 'codex.usage.total_tokens': 640 } });
    const other = app.start('other', { parent: step, attributes: { 'gen_ai.operation.name': 'chat' } });
    for (const span of [call, other, step, turn]) span.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(call)?.config).toMatchObject({ model: 'gpt-5-codex', provider: 'openai' });
    expect(app.log(other)?.config).toMatchObject({ model: 'unknown' });
  }
});

test('a call that two instrumentations report has the model that one of them names, and not that of its agent', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const agent = app.start('agent', { attributes: { ...AGENT, 'gen_ai.request.model': 'o3' } });
    const answer = { 'gen_ai.operation.name': 'chat', 'gen_ai.response.id': 'resp_1', 'gen_ai.usage.input_tokens': 5 };
    const within = trace.setSpan(context.active(), agent);
    // The first one says more, and keeps the log.
    const asked = { 'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]' };
    const call = app.provider.getTracer('framework').startSpan('call', { attributes: { ...answer, ...asked } }, within);
    const named = { ...answer, 'gen_ai.request.model': 'gpt-4o' };
    const other = app.provider.getTracer('client').startSpan('chat', { attributes: named }, within);
    for (const span of [other, call, agent]) span.end();
    await app.flush();
    const logs = [call, other].map((span) => app.log(span)).filter((log) => log !== undefined);
    expect(logs.map(({ config }) => config)).toEqual([expect.objectContaining({ type: 'model', model: 'gpt-4o' })]);
  }
});
