import { expect, test } from 'vitest';
import { readTarget, splitPath, toRoot } from '../../../src/server/http/request-target.ts';

test.each<[target: string, path: string, query: string, host: string]>([
  ['/v4/logs?a=1?b', '/v4/logs', 'a=1%3Fb', 'h'],
  ['//x/y', '//x/y', '', 'h'],
  ['http://a:1/v4?b=2', '/v4', 'b=2', 'a:1'],
  ['HTTPS://u:p@a/', '/', '', 'a'],
  ['http://a', '', '', 'a'],
  ['http:///x', '/x', '', ''],
  ['*', '*', '', 'h'],
])('%s', (target, path, query, host) => {
  const read = readTarget(target, { host: 'h' });
  expect([read.path, read.query.toString(), read.headers.host]).toEqual([path, query, host]);
});

/** A browser on the page at the address must find the root, which the server sees without `before`. */
test.each([
  ['', '/', '/'],
  ['/base', '/', '/base/'],
  ['', '/sessions/x', '/'],
  ['/base', '/sessions/x', '/base/'],
  ['/base', '/sessions/x/', '/base/'],
  ['/a%20b', '/sessions/x%2Fy', '/a%20b/'],
  ['/base', '/sessions//x', '/base/'],
])('a page at %j%s finds the root', (before, path, root) => {
  expect(new URL(toRoot(path), `http://h${before}${path}`).pathname).toBe(root);
});

test('segments are decoded, once', () => {
  expect(splitPath('//a%2Fb/%2525/')).toEqual(['a/b', '%25']);
  expect(() => splitPath('/%E0%A4%A')).toThrow('the path is not well encoded');
});
