/** Who may do what: routes × credentials × where the request comes from. */
import { describe, expect, test, vi } from 'vitest';
import { createAccess } from '../../../src/server/http/access.ts';
import { empty } from '../../../src/server/http/answer.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { callRaw, serveRoutes } from './serve-routes.ts';

const OPEN = [
  ...['GET /', 'HEAD /', 'POST /', 'GET /sessions/x', 'GET /sessions', 'GET /sessions/x/y', 'GET /nothing'],
  ...['GET /viewer', 'GET /viewer/assets/viewer-x.js', 'GET /healthz', 'GET /healthz/x', 'PUT /healthz'],
  ...['GET /viewer/api/login', 'POST /viewer/api/login', 'GET /viewer/api/login/x'],
];
const CLOSED = [
  ...['GET /v4', 'POST /v4', 'GET /v4/nothing', 'GET /v4/logs', 'POST /v4/logs', 'PATCH /v4/logs', 'DELETE /v4/logs'],
  ...['PUT /v4/logs', 'GET /v4/logs/x', 'PATCH /v4/logs/x', 'GET /v4/logs/x/y', 'GET //v4//logs/', 'HEAD /v4/logs/x'],
  ...['GET /v4/sessions', 'POST /v4/sessions', 'GET /v4/sessions/x', 'GET /v4/projects', 'POST /v4/projects'],
  ...['GET /v4/projects/x', 'POST /v4/feedback', 'GET /viewer/api', 'GET /viewer/api/nothing'],
  ...['GET /viewer/api/sessions', 'GET /viewer/api/sessions/x', 'GET /viewer/api/logs/x', 'GET /viewer/api/filters'],
  ...['GET /v1', 'POST /v1/traces', 'POST /v1/logs', 'POST /v1/metrics', 'GET /v1/traces', 'POST /v1/nothing'],
  ...['HEAD /viewer/api/events', 'POST /viewer/api/events', 'GET /%76iewer/api/filters'],
];

/** The last: it ends the login of those before it. */
const EVERYTHING = [...OPEN, ...CLOSED, 'POST /viewer/api/logout'];

/** Resolves to the routes that are answered with the status. */
async function answered(
  status: number,
  port: number,
  routes: readonly string[],
  headers: Record<string, string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ');
    if ((await callRaw(port, method, path, headers)).status === status) found.push(route);
  }
  return found;
}

/** Resolves to the cookie of a reader who has logged in. */
async function logIn({ call }: Awaited<ReturnType<typeof startTestServer>>): Promise<string> {
  const { headers } = await call('POST', '/viewer/api/login', { api_key: 'right' });
  return headers.get('set-cookie')!.split(';')[0]!;
}

describe('with an API key', () => {
  test.each([
    ['no key', false, () => ({})],
    ['an empty key', false, () => ({ 'x-api-key': '' })],
    ['another key', false, () => ({ 'x-api-key': 'wrong' })],
    ['a forged cookie', false, (cookie: string) => ({ cookie: `${cookie.slice(0, -1)}x` })],
    ['the key', true, () => ({ 'x-api-key': 'right' })],
    ['the cookie', true, (cookie: string) => ({ cookie: `other=1; ${cookie}` })],
    ['the cookie and another key', true, (cookie: string) => ({ cookie, 'x-api-key': 'wrong' })],
  ] as const)('%s: may do everything: %s', async (_, mayDoAll, credentials) => {
    const server = await startTestServer({ apiKey: 'right' });
    const { port } = server;
    const headers: Record<string, string> = credentials(await logIn(server));
    expect(await answered(401, port, EVERYTHING, headers)).toEqual(mayDoAll ? [] : CLOSED);
    expect(await answered(403, port, EVERYTHING, { ...headers, host: 'rebound.example' })).toEqual(EVERYTHING);
    expect(await answered(403, port, EVERYTHING, { ...headers, origin: 'https://a.example' })).toEqual(EVERYTHING);
    expect(await answered(403, port, EVERYTHING, { ...headers, origin: 'null' })).toEqual(EVERYTHING);
  });

  test('what is refused says why', async () => {
    const { port } = await startTestServer({ apiKey: 'right' });
    const detailOf = async (headers: Record<string, string>) =>
      JSON.parse((await callRaw(port, 'GET', '/v4/logs', headers)).body.toString()).detail;
    expect(await detailOf({})).toBe('the header X-API-KEY is missing');
    expect(await detailOf({ 'x-api-key': 'wrong' })).toBe('the API key is not valid');
    expect(await detailOf({ host: 'a.example' })).toBe('the host "a.example" is not served here');
    expect(await detailOf({ origin: 'null' })).toBe('requests from pages of another origin are refused');
  });
});

test('without an API key everyone may do everything, from here', async () => {
  const { port } = await startTestServer();
  expect(await answered(401, port, EVERYTHING, {})).toEqual([]);
  expect(await answered(403, port, EVERYTHING, { host: 'a.example' })).toEqual(EVERYTHING);
});

test('is decided once for each request, from its headers', async () => {
  const access = createAccess({ apiKey: 'right' });
  const admit = vi.fn(access.admit);
  const callers: string[] = [];
  const { port } = await serveRoutes(
    {
      '/': {
        GET: {
          needs: 'nothing',
          run: async ({ caller }) => {
            callers.push([...caller.may].join(' '));
            return empty();
          },
        },
      },
    },
    { access: { ...access, admit } },
  );
  await callRaw(port, 'GET', '/');
  await callRaw(port, 'GET', '/', { 'x-api-key': 'right' });
  await callRaw(port, 'GET', '/nothing');
  expect(callers).toEqual(['nothing', 'nothing key read write']);
  expect(admit).toHaveBeenCalledTimes(3);
});

test('a login gives a cookie for the key, and none where no key is needed', () => {
  const access = createAccess({ apiKey: 'right' });
  const stranger = access.admit({ host: 'h' });
  const cookie = access.logIn('right', stranger)!.split(';')[0]!;
  expect(access.admit({ host: 'h', cookie }).may.has('write')).toBe(true);
  expect(() => access.logIn('wrong', stranger)).toThrow('the API key is not valid');
  expect(createAccess({}).logIn('any', stranger)).toBeUndefined();
});
