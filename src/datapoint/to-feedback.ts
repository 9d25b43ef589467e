/**
 * Evaluations → feedback of v4, which has a type and one value.
 *
 * The type is the name of the evaluation, and the value its label, or else its score. What else was said stands beside
 * it, under the name with `.score`, `.explanation` or `.error`: so nothing is lost, and it is the same whether the
 * feedback is in the POST or comes later.
 */
import type { Evaluation } from '../conventions/convention.ts';
import type { Feedback } from '../wire/v4.ts';
import { toIso } from './span-time.ts';

/** Explanations are content; names, scores and labels are not. */
export function toFeedback(evaluations: readonly Evaluation[], captureContent: boolean): Feedback[] {
  return evaluations.flatMap(({ name, score, label, explanation, error, user, atMillis }) => {
    const about = {
      ...(user !== undefined && { user }),
      ...(atMillis !== undefined && { created_at: toIso(atMillis) }),
    };
    const values: [type: string, value: string | number | undefined][] = [
      [name, label ?? score],
      [`${name}.score`, label === undefined ? undefined : score],
      [`${name}.explanation`, captureContent ? explanation : undefined],
      [`${name}.error`, error],
    ];
    return values.flatMap(([type, value]) => (value === undefined ? [] : [{ type, value, ...about }]));
  });
}
