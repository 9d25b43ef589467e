import { expect, test } from 'vitest';
import { labelOf } from '../../../src/viewer/tree/log-label.ts';
import { buildTree } from '../../../src/viewer/tree/log-tree.ts';
import type { LogResponse } from '../../../src/wire/v4.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const MODEL = { model: 'gpt-4o' };

test('a log without a config has a name too', () => {
  expect(labelOf({})).toEqual({ type: 'generic', name: 'log' });
});

test('a log is called in its pane what the server calls it in the tree', async () => {
  const server = await startTestServer();
  const configs = [
    { type: 'model', ...MODEL },
    { type: 'model', ...MODEL, name: 'planner' },
    { type: 'agent', agent_class: 'clerk', model_config: MODEL },
    { type: 'agent', agent_class: 'clerk', model_config: MODEL, name: 'planner' },
    MODEL,
    { type: 'tool', name: 'search' },
    { type: 'generic' },
    { type: 'generic', name: 'audit' },
  ];
  const logs = configs.map((config) => ({ project: 'p', session_reference_id: 's', output: 'o', config }));
  const { body: created } = await server.call('POST', '/v4/logs', logs);
  const { body: session } = await server.call('GET', `/viewer/api/sessions/${created[0].session_id}`);
  const { byId } = buildTree(session.logs, session.configs);
  const labels: object[] = [];
  for (const { id } of created) {
    const { body: log } = (await server.call('GET', `/v4/logs/${id}`)) as { body: LogResponse };
    labels.push(labelOf(log));
    expect(byId.get(id)!.label).toEqual(labels.at(-1));
  }
  expect(labels).toEqual([
    { type: 'model', name: 'gpt-4o', model: 'gpt-4o' },
    { type: 'model', name: 'planner', model: 'gpt-4o' },
    { type: 'agent', name: 'clerk', model: 'gpt-4o' },
    { type: 'agent', name: 'planner', model: 'gpt-4o' },
    { type: 'model', name: 'gpt-4o', model: 'gpt-4o' },
    { type: 'tool', name: 'search' },
    { type: 'generic', name: 'generic' },
    { type: 'generic', name: 'audit' },
  ]);
});
