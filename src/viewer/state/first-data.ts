/** The data that the server has put into the page, so that the first frame needs no request. */
import type { FirstData } from '../../server/store/viewer-store.ts';

const address = location.pathname + location.search;
const data = JSON.parse(document.getElementById('first-data')?.textContent || 'null') as FirstData | null;
const untaken = new Set<keyof FirstData>(['sessions', 'session']);

/** Returns the data for the address that the page was loaded with; once, since it is old after that. */
export function takeFirstData<Name extends keyof FirstData>(name: Name): FirstData[Name] | undefined {
  const isFresh = untaken.delete(name) && address === location.pathname + location.search;
  return isFresh ? data?.[name] : undefined;
}
