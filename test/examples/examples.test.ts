/** Every example runs to its end and logs what it says. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { startScriptedModel } from '../../examples/scripted-model/server.ts';
import { readLogs } from '../../scripts/read-logs.ts';
import { exampleArguments } from '../../scripts/run-example.ts';
import { startServer } from '../../src/server/index.ts';

/** For each example: the kinds of the logs that it leaves. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'batch-exporter': ['agent', 'model'],
  client: ['agent', 'model'],
  'custom-convention': ['model', 'tool'],
  lambda: ['agent', 'agent', 'model', 'model'],
  'log-records': ['model'],
  'late-update': ['model'],
  'manual-spans': ['agent', 'model', 'tool'],
  'node-sdk': ['agent', 'model'],
  openai: ['model', 'model'],
  'no-content': ['agent', 'model'],
  redact: ['agent', 'model'],
  register: ['agent', 'model'],
  'tracer-provider': ['agent', 'model'],
  'wait-until': ['agent', 'model'],
};
const names = readdirSync('examples')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

test.each(names)('%s', async (name) => {
  const model = await startScriptedModel();
  const server = await startServer({ port: 0, file: ':memory:' });
  onTestFinished(async () => {
    model.close();
    await server.close();
  });
  const env = {
    PATH: process.env['PATH'],
    OPENAI_API_KEY: 'scripted',
    OPENAI_BASE_URL: model.baseUrl,
    HUMANLOOP_BASE_URL: server.baseUrl,
    HUMANLOOP_QUIET: 'true',
  };
  const { stderr } = await promisify(execFile)(process.execPath, exampleArguments(name), { env });
  expect(stderr).toBe('');
  const logs = await readLogs(server.baseUrl, new Date(0));
  const kinds = logs.map(({ config }) => config?.type).sort();
  expect(kinds).toEqual([...(EXPECTED[name] ?? [])].sort());
  const stored = JSON.stringify(logs);
  if (name === 'redact') expect(stored).toContain('I am [email address].');
  if (name === 'log-records') expect(stored).toContain('Oslo is the capital of Norway.');
  if (name === 'no-content') expect(stored).not.toContain('Norway');
  expect(stored).not.toContain('kari@example.com');
});

test.each([
  ['a stand-in for Python', { PYTHON: 'no-such-python' }],
  ['Python, where its exporter is installed', process.env['PYTHON'] ? { PYTHON: process.env['PYTHON'] } : {}],
])('languages, with %s: one session, one tree', async (_, more) => {
  const model = await startScriptedModel();
  const server = await startServer({ port: 0, file: ':memory:' });
  onTestFinished(async () => {
    model.close();
    await server.close();
  });
  const env = {
    ...{ PATH: process.env['PATH'], OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model.baseUrl },
    ...{ HUMANLOOP_BASE_URL: server.baseUrl, ...more },
  };
  const { stderr, stdout } = await promisify(execFile)(process.execPath, exampleArguments('languages'), { env });
  expect(stderr).toBe('');
  if (more.PYTHON === 'no-such-python')
    expect(stdout).toContain('a stand-in sends what the agent in Python would send');
  expect(stdout).toContain('Take the 08:03 from Bergen');
  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(new Set(logs.map(({ session_reference_id }) => session_reference_id)).size).toBe(1);
  const nameOf = (id: string | null | undefined) => {
    const log = logs.find((each) => each.id === id);
    return log && `${log.project} ${String(log.metadata?.['span_name']).split(' ').slice(0, 2).join(' ')}`;
  };
  const tree = logs.map(({ id, parent_id }) => `${nameOf(parent_id)} > ${nameOf(id)}`).sort();
  expect(tree).toEqual(
    [
      'undefined > python-agent invoke_agent guide',
      'python-agent invoke_agent guide > python-agent execute_tool ask_planner',
      'python-agent execute_tool ask_planner > node-service ai.generateText',
      'node-service ai.generateText > node-service ai.generateText.doGenerate',
      'node-service ai.generateText > node-service ai.generateText.doGenerate',
      'node-service ai.generateText > node-service ai.toolCall',
      'node-service ai.toolCall > python-agent execute_tool thermometer',
    ].sort(),
  );
});

test('the index lists every example', () => {
  const index = readFileSync('examples/README.md', 'utf8');
  for (const name of names) expect(index).toContain(`[\`${name}\`](${name}.ts)`);
});
