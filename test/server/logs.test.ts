import { describe, expect, test } from 'vitest';
import { startTestServer } from './start-test-server.ts';

const config = { type: 'model', model: 'gpt-4' };

describe('POST /v4/logs', () => {
  test('one datapoint is answered with one object', async () => {
    const { call } = await startTestServer();
    const { status, body } = await call('POST', '/v4/logs', {
      project: 'p',
      config,
      session_reference_id: 's',
      output: 'hi',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^data_[0-9A-Za-z]{21}$/),
      project_id: expect.stringMatching(/^pr_[0-9A-Za-z]{21}$/),
      session_id: expect.stringMatching(/^sesh_[0-9A-Za-z]{21}$/),
    });
  });

  test('an array is answered by position', async () => {
    const { call } = await startTestServer();
    const { body } = await call(
      'POST',
      '/v4/logs',
      ['a', 'b', 'c'].map((output) => ({ project: 'p', config, output })),
    );
    const outputs = [];
    for (const { id } of body) outputs.push((await call('GET', `/v4/logs/${id}`)).body.output);
    expect(outputs).toEqual(['a', 'b', 'c']);
    expect(body[0].session_id).toBeNull();
    expect((await call('POST', '/v4/logs', [])).body).toEqual([]);
  });
});
