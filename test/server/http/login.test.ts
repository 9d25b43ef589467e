/** The login of the viewer: guesses of the key are slowed down, a login ends, and its cookie is replaced. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createAccess } from '../../../src/server/http/access.ts';
import { createViewerCookies } from '../../../src/server/http/cookie.ts';
import { createLoginThrottle } from '../../../src/server/http/login-throttle.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

afterEach(() => vi.useRealTimers());

const toCookie = (header: string | null | undefined) => header!.split(';')[0]!;

describe('guesses', () => {
  test('of the key are refused after ten, the right key too, and say how long', async () => {
    const { call } = await startTestServer({ apiKey: 'right' });
    const guess = (key: string) => call('POST', '/viewer/api/login', { api_key: key });
    const statuses: number[] = [];
    for (let count = 0; count < 20; count += 1) statuses.push((await guess(`wrong ${count}`)).status);
    expect(statuses).toEqual([...Array(10).fill(401), ...Array(10).fill(429)]);
    const right = await guess('right');
    expect(right.status).toBe(429);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(right.body.detail).toMatch(/^too many wrong keys: try again in \d s$/);
    // Whoever has the key is not kept out.
    expect((await call('GET', '/v4/projects', undefined, { 'x-api-key': 'right' })).status).toBe(200);
  });

  test('can go on one by one, and a right one clears those before it', () => {
    const throttle = createLoginThrottle();
    const tried = (address: string, now: number) => throttle.guess(address, now) === undefined;
    expect(Array.from({ length: 12 }, () => tried('a', 0)).filter(Boolean)).toHaveLength(10);
    expect(tried('b', 0)).toBe(true);
    expect([tried('a', 5_999), tried('a', 6_000), tried('a', 6_001)]).toEqual([false, true, false]);
    throttle.forget('a');
    expect(tried('a', 6_002)).toBe(true);
    // Two thousand of them take hours.
    let now = 10_000;
    for (let count = 0; count < 2_000; count += 1) while (!tried('c', now)) now += 1_000;
    expect(now).toBeGreaterThan(3 * HOUR);
  });

  test('are counted for a network with IPv6, and a mapped address is the IPv4 one', () => {
    const throttle = createLoginThrottle();
    const count = (addresses: string[]) => addresses.filter((each) => throttle.guess(each, 0) === undefined).length;
    expect(count(Array.from({ length: 50 }, (_, index) => `2001:db8:0:1::${index.toString(16)}`))).toBe(10);
    expect(count(['2001:DB8:0:01:a:b:c:d', '2001:db8::1:0:0:0:9'])).toBe(0);
    expect(count(['2001:db8:0:2::1', '2001:db8::1'])).toBe(2);
    expect(count([...Array(10).fill('::ffff:10.0.0.1'), ...Array(10).fill('10.0.0.1')])).toBe(10);
  });

  test('from very many addresses take a bounded memory', () => {
    const throttle = createLoginThrottle();
    for (let index = 0; index < 50_000; index += 1)
      throttle.guess(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    throttle.guess('x'.repeat(1_000_000));
    expect(throttle.size).toBe(10_000);
  });

  test('through a proxy are counted for the address that the proxy has added', async () => {
    const { call } = await startTestServer({ apiKey: 'right', publicUrl: 'https://logs.example.com' });
    const guess = async (forwarded: string) =>
      (await call('POST', '/viewer/api/login', { api_key: 'wrong' }, { 'x-forwarded-for': forwarded })).status;
    const statuses: number[] = [];
    for (let count = 0; count < 11; count += 1) statuses.push(await guess(`10.0.0.${count}, 192.0.2.1`));
    expect(statuses.at(-1)).toBe(429);
    expect(await guess('192.0.2.1:4711')).toBe(429);
    expect(await guess('[::ffff:192.0.2.1]:4711')).toBe(429);
    expect(await guess('192.0.2.1, 192.0.2.2')).toBe(401);
  });

  test('are counted for the connection where no proxy is said to be', async () => {
    const { call } = await startTestServer({ apiKey: 'right' });
    const statuses: number[] = [];
    for (let count = 0; count < 11; count += 1) {
      const headers = { 'x-forwarded-for': `10.0.0.${count}` };
      statuses.push((await call('POST', '/viewer/api/login', { api_key: 'wrong' }, headers)).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('a login', () => {
  test('ends for all of its cookies when the reader ends it, and no other does', async () => {
    const { call } = await startTestServer({ apiKey: 'right' });
    const logIn = async () =>
      toCookie((await call('POST', '/viewer/api/login', { api_key: 'right' })).headers.get('set-cookie'));
    const [mine, other] = [await logIn(), await logIn()];
    const statusOf = async (cookie: string) => (await call('GET', '/viewer/api/filters', undefined, { cookie })).status;
    expect(mine).not.toBe(other);
    expect((await call('GET', '/viewer/api/login', undefined, { cookie: mine })).body).toEqual({ logged_in: true });
    expect((await call('GET', '/viewer/api/login')).body).toEqual({ logged_in: false });

    const foreign = { cookie: mine, origin: 'https://page.example' };
    expect((await call('POST', '/viewer/api/logout', undefined, foreign)).status).toBe(403);
    expect(await statusOf(mine)).toBe(200);
    const logOut = await call('POST', '/viewer/api/logout', undefined, { cookie: mine });
    expect(logOut.status).toBe(204);
    expect(logOut.headers.get('set-cookie')).toMatch(/^humanloop_otel_\w+=; HttpOnly; .*Path=\/; Max-Age=0$/);
    // Whoever has copied the cookie has nothing any more.
    expect([await statusOf(mine), await statusOf(other)]).toEqual([401, 200]);
    expect((await call('POST', '/viewer/api/logout')).status).toBe(204);
  });

  test('lasts a week without use and thirty days with it', () => {
    const cookies = createViewerCookies('key');
    let cookie = toCookie(cookies.create('key', false, 0));
    expect(cookies.read(cookie, 7 * DAY)).toBeDefined();
    expect(cookies.read(cookie, 7 * DAY + 1_000)).toBeUndefined();
    for (let day = 6; day <= 30; day += 6) {
      const login = cookies.read(cookie, day * DAY)!;
      const renewed = cookies.renew(login, day * DAY)!;
      const maxAge = Number(/Max-Age=(\d+)/.exec(renewed)?.[1]);
      expect(maxAge).toBe(Math.min(7, 30 - day) * 86_400);
      cookie = toCookie(renewed);
    }
    expect(cookies.read(cookie, 30 * DAY)).toBeDefined();
    expect(cookies.read(cookie, 30 * DAY + 1_000)).toBeUndefined();
  });

  test('that is in use gets a newer cookie, with data and not with files that are the same for all', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { call } = await startTestServer({ apiKey: 'right' });
    const login = await call('POST', '/viewer/api/login', { api_key: 'right' });
    const cookie = toCookie(login.headers.get('set-cookie'));
    const renewedBy = async (path: string) =>
      (await call('GET', path, undefined, { cookie })).headers.get('set-cookie') ?? undefined;
    expect(await renewedBy('/viewer/api/filters')).toBeUndefined();
    vi.setSystemTime(Date.now() + 2 * HOUR);
    const renewed = toCookie(await renewedBy('/viewer/api/filters'));
    expect(renewed).not.toBe(cookie);
    expect((await call('GET', '/viewer/api/filters', undefined, { cookie: renewed })).status).toBe(200);
    expect(await renewedBy('/healthz')).toBeUndefined();
    // A newer cookie of the same login ends with it.
    await call('POST', '/viewer/api/logout', undefined, { cookie: renewed });
    expect((await call('GET', '/viewer/api/filters', undefined, { cookie })).status).toBe(401);
  });

  test('ended logins take a bounded memory, and the newest are those that are known', () => {
    const cookies = createViewerCookies('key');
    const logins = Array.from({ length: 10_050 }, () => cookies.read(toCookie(cookies.create('key', false)))!);
    const values = logins.map((login) => toCookie(cookies.renew({ ...login, issued: 0 })));
    for (const login of logins) cookies.end(login);
    expect(values.filter((value) => cookies.read(value)).length).toBe(50);
    expect(cookies.read(values.at(-1))).toBeUndefined();
  });
});

test('without an API key there is nothing to log in to or out of', () => {
  const access = createAccess({});
  const caller = access.admit({ host: 'h' }, '127.0.0.1');
  for (let count = 0; count < 50; count += 1) expect(access.logIn('any', caller)).toBeUndefined();
  expect(access.logOut(caller)).toBeUndefined();
});
