/** From counts by day and model to counts by model. Pure. */
import type { OverviewDay } from '../../server/store/viewer-store.ts';

export interface ModelSum {
  readonly model: string;
  calls: number;
  errors: number;
  promptTokens: number;
  outputTokens: number;
  /** Absent if no call has one: unknown is not 0. */
  cost?: number;
}

/** The model with the most calls first. */
export function sumModels(days: readonly OverviewDay[]): ModelSum[] {
  const sums = new Map<string, ModelSum>();
  for (const { model, calls, errors, prompt_tokens, output_tokens, cost } of days.flatMap(({ models }) => models)) {
    const sum = sums.get(model) ?? { model, calls: 0, errors: 0, promptTokens: 0, outputTokens: 0 };
    sums.set(model, sum);
    sum.calls += calls;
    sum.errors += errors;
    sum.promptTokens += prompt_tokens;
    sum.outputTokens += output_tokens;
    if (cost !== undefined) sum.cost = (sum.cost ?? 0) + cost;
  }
  return [...sums.values()].sort((left, right) => right.calls - left.calls);
}
