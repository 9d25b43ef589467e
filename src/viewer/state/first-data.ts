/** What the server has put into the page for the address that was asked for, so that nothing is waited for. */
import type { FirstData } from '../../server/store/viewer-store.ts';

const address = location.pathname + location.search;
const data = JSON.parse(document.getElementById('first-data')?.textContent || 'null') as FirstData | null;
const untaken = new Set<keyof FirstData>(['sessions', 'session']);

/** Once: after that it is old. */
export function takeFirstData<Name extends keyof FirstData>(name: Name): FirstData[Name] | undefined {
  const isFresh = untaken.delete(name) && address === location.pathname + location.search;
  return isFresh ? data?.[name] : undefined;
}
