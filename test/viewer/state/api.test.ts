import { expect, test } from 'vitest';
import { onKeyWanted, post, RequestError, request } from '../../../src/viewer/state/api.ts';
import { startTestServer } from '../../support/start-test-server.ts';

test('an answer is its body, and an empty one nothing', async () => {
  const { url } = await startTestServer();
  expect(await request(`${url}/viewer/api/filters`)).toEqual({
    projects: [],
    models: [],
    types: [],
    feedback: [],
    environments: [],
  });
  expect(await post(`${url}/viewer/api/login`, { api_key: 'any' })).toBeUndefined();
});

test('an error has its status and says what the server says', async () => {
  const { url } = await startTestServer();
  const failure = (path: string) => request(url + path).catch((error: unknown) => error);
  expect(await failure('/viewer/api/sessions/none')).toEqual(new RequestError(404, 'session not found'));
  expect(await failure('/viewer/api/sessions?what=1')).toEqual(new RequestError(422, 'is not a filter'));
  expect(await failure('/viewer/api/sessions/none')).toMatchObject({ name: 'RequestError', status: 404 });
});

test('a listener learns when the server wants its key', async () => {
  const { url } = await startTestServer({ apiKey: 'right' });
  let wanted = 0;
  const stop = onKeyWanted(() => {
    wanted += 1;
  });
  await expect(request(`${url}/viewer/api/filters`)).rejects.toMatchObject({ status: 401 });
  expect(wanted).toBe(1);
  stop();
  await expect(request(`${url}/viewer/api/filters`)).rejects.toThrow(RequestError);
  expect(wanted).toBe(1);
});
