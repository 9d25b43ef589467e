import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRouteFinder, type Route, type Routes } from '../../../src/server/http/route.ts';

const OPERATION = { GET: { needs: 'nothing', run: async () => ({}) } } as unknown as Route;

/** By looking at all of them: the longest that the path begins with, and of several the one with the first literal. */
function expectedPath(routes: Routes, segments: readonly string[]): string | undefined {
  const patterns = Object.keys(routes).map((path) => ({ path, parts: path.split('/').filter(Boolean) }));
  const beginning = patterns.filter(
    ({ parts }) =>
      parts.length <= segments.length && parts.every((part, index) => part === ':id' || part === segments[index]),
  );
  const rank = ({ parts }: { parts: string[] }) =>
    `${9 - parts.length} ${parts.map((part) => (part === ':id' ? 1 : 0)).join('')}`;
  return beginning.sort((left, right) => (rank(left) < rank(right) ? -1 : 1))[0]?.path;
}

test('a path has the route that is listed for it, or the nearest one above', () => {
  const segment = fc.constantFrom('a', 'b', 'c', 'constructor', '');
  const part = fc.oneof(fc.constantFrom('a', 'b'), fc.constant(':id'));
  const paths = fc.uniqueArray(
    fc.array(part, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
    { maxLength: 9 },
  );
  fc.assert(
    fc.property(paths, fc.array(segment, { maxLength: 5 }), fc.boolean(), (listed, segments, hasOperations) => {
      const routes = Object.fromEntries(listed.map((path) => [path, hasOperations ? OPERATION : {}]));
      const found = createRouteFinder(routes)(segments);
      const path = expectedPath(routes, segments);
      expect(found.path).toBe(path ?? '/');
      expect(found.route).toEqual(path === undefined ? {} : routes[path]);
      const parts = found.path.split('/').filter(Boolean);
      expect(found.id).toBe(segments[parts.indexOf(':id')] ?? '');
      expect(found.isListed).toBe(path !== undefined && hasOperations && parts.length === segments.length);
    }),
    { numRuns: 2_000 },
  );
});
