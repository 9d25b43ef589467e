/** Reports, once, that nothing is logged where this entry of the package is in use. */
let isReported = false;

export const REASON =
  'humanloop-otel does nothing in this runtime (edge, worker or browser): it needs Node.js, Bun or Deno';

export function reportOnce(): void {
  if (isReported) return;
  isReported = true;
  console.warn(`${REASON}. No log is sent from here.`);
}
