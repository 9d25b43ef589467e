/**
 * Keeps compiled code. V8 throws away what it has compiled for the instances of a class when a garbage collection finds
 * none of them, and compiles it again: a hundred milliseconds of CPU time each time. A class on the hot path whose
 * instances live only for a moment keeps one of them here.
 */
const kept: object[] = [];

export function keepShape(instance: object): void {
  kept.push(instance);
}
