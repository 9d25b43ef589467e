/**
 * Whether what is needed later has to be loaded at once: in jest, which fails a run that requires a file after its tests,
 * also for a request or a span that nobody waits for.
 */
export function mustLoadEarly(): boolean {
  return globalThis.process?.env['JEST_WORKER_ID'] !== undefined;
}
