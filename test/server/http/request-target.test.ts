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

/** A browser on the page at the address must find the root by what the page says. */
test.each<[address: string, depth: number, root: string]>([
  ['/', 0, '/'],
  ['/base/', 0, '/base/'],
  ['/base', 0, '/base/'],
  ['/a/b', 0, '/a/b/'],
  ['/sessions/x', 2, '/'],
  ['/sessions/x/', 2, '/'],
  ['/sessions//x', 2, '/'],
  ['/base/sessions/x', 2, '/base/'],
  ['/base/sessions/x/', 2, '/base/'],
  ['/a%20b/sessions/x%2Fy', 2, '/a%20b/'],
  ['/x', 1, '/'],
])('from %s, %d deep, to %s', (address, depth, root) => {
  expect(new URL(toRoot(address, depth), `http://h${address}`).pathname).toBe(root);
});

test('a root has nothing that ends an attribute', () => {
  expect(toRoot('/"><script>', 0)).toBe('./%22%3E%3Cscript%3E/');
});

test('segments are decoded, once', () => {
  expect(splitPath('//a%2Fb/%2525/')).toEqual(['a/b', '%25']);
  expect(() => splitPath('/%E0%A4%A')).toThrow('the path is not well encoded');
});
