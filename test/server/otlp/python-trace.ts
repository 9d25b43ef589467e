/** What the server has of the trace of `test/fixtures/otlp/send-python.py`. */
import { expect } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';

/** An agent above a call, and a call whose answer came as a log event. */
export async function expectPythonTrace({ baseUrl }: { readonly baseUrl: string }): Promise<void> {
  const logs = await readLogs(baseUrl, new Date(0));
  expect(logs).toHaveLength(3);
  const agent = logs.find(({ parent_id: parent }) => !parent);
  expect(agent).toMatchObject({ session_reference_id: 's-1', project: 'python-app', config: { type: 'agent' } });
  const children = logs.filter(({ parent_id: parent }) => parent === agent?.id);
  expect(children.map(({ output }) => output).sort()).toEqual(['12 cm', 'Said by an event.']);
  expect(children.find(({ output }) => output === '12 cm')).toMatchObject({
    messages: [{ role: 'user', content: 'Größe?' }],
    prompt_tokens: 3,
  });
}
