/** Calls a synchronous function that the app gave as an option, whose failure must not cost a log. */
import { Warnings } from './warnings.ts';

const warnings = new Warnings();

/**
 * What the hook answers, or `undefined` where it throws. A promise is no answer here, and its rejection would end the
 * process: it is handled and ignored. The first failure of each option is told.
 */
export function callHook<Answer>(option: string, call: () => Answer): Answer | undefined {
  try {
    const answer = call();
    if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return answer;
    Promise.resolve(answer).catch(() => undefined);
    throw new TypeError('it gave a promise, and must answer at once');
  } catch (error) {
    warnings.warn(option, `the option ${option} failed; its default holds`, error);
    return undefined;
  }
}
