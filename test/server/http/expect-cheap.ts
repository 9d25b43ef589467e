/** What a request costs whose body is small on the wire and large when it is unpacked. */
import { expect } from 'vitest';
import { watchTurns, yardstickMillis } from '../../support/effort.ts';

/** In yardsticks, which parse some megabytes of JSON. A body that is parsed and checked as a whole takes many more. */
const MOST = { whole: 40, longestTurn: 20 };

/** Posts the body. Returns the answer, which must come soon, and must not hold up the other requests meanwhile. */
export async function expectCheap(url: string, body: Uint8Array<ArrayBuffer>, type: string): Promise<Response> {
  const headers = { 'content-type': type, 'content-encoding': 'gzip' };
  const unit = await yardstickMillis();
  const { result, wholeMillis, longestMillis } = await watchTurns(() => fetch(url, { method: 'POST', body, headers }));
  expect(wholeMillis / unit).toBeLessThan(MOST.whole);
  expect(longestMillis / unit).toBeLessThan(MOST.longestTurn);
  return result;
}
