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
import { isName, isToken } from './structure-texts.ts';

/** Explanations are content; names, scores and labels are not, if they look like these: judges may be models. */
export function toFeedback(evaluations: readonly Evaluation[], captureContent: boolean): Feedback[] {
  return evaluations.flatMap((evaluation) => {
    const { score, explanation, user, atMillis } = evaluation;
    const { name, label, error } = captureContent ? evaluation : judgedAs(evaluation);
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

function judgedAs({ name, label, error }: Evaluation): Pick<Evaluation, 'name' | 'label' | 'error'> {
  return {
    name: isName(name) ? name : 'evaluation',
    ...(label !== undefined && isToken(label) && { label }),
    ...(error !== undefined && isToken(error) && { error }),
  };
}
