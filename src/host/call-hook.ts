/** Calls a synchronous function that the app passed as an option. Its failure must not lose a log. */
import { Warnings } from './warnings.ts';

const warnings = new Warnings();

/**
 * Returns the hook's answer; undefined if it throws or returns a promise. A promise is not an answer here, and since
 * its rejection would end the process, it is handled and ignored. Warns once per option.
 */
export function callHook<Answer>(option: string, call: () => Answer): Answer | undefined {
  try {
    const answer = call();
    if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return answer;
    Promise.resolve(answer).catch(() => undefined);
    throw new TypeError('it returned a promise, but must be synchronous');
  } catch (error) {
    warnings.warn(option, `the option ${option} failed; its default is used`, error);
    return undefined;
  }
}
