/**
 * Checks a value by a zod schema, with the issues in FastAPI's `detail` form, which the official clients read. Pure.
 */
import { z } from 'zod';
import type { ValidationDetail } from '../../wire/v4.ts';

type Issue = z.core.$ZodIssue;

export type Checked<Output> =
  | { readonly data: Output; readonly details?: undefined }
  | { readonly details: ValidationDetail[] };

/** zod's own errors have a text of all issues, which takes longer than to find them. */
class Issues {
  readonly issues: Issue[];

  constructor(issues: Issue[]) {
    this.issues = issues;
  }
}

const parse = z.core._safeParse(Issues as unknown as Parameters<typeof z.core._safeParse>[0]);

/** `loc` is the place of the value in the request. Of many issues, the first `maxDetails` are explained. */
export function check<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  loc: readonly (string | number)[],
  maxDetails = Number.POSITIVE_INFINITY,
): Checked<Output> {
  const { data, error } = parse(schema, value);
  if (!error) return { data: data as Output };
  return { details: toValidationDetails(error.issues.slice(0, maxDetails), value, loc).slice(0, maxDetails) };
}

function toValidationDetails(
  issues: readonly Issue[],
  value: unknown,
  loc: readonly (string | number)[],
): ValidationDetail[] {
  return issues.flatMap((issue) => {
    const path = issue.path as (string | number)[];
    return toDetails(issue, valueAt(value, path), [...loc, ...path]);
  });
}

/** By hand: zod reports the input of an issue only if it is asked before, and then takes twice as long for every value. */
function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string | number, unknown> | null | undefined)?.[key], value);
}

function toDetails(issue: Issue, input: unknown, loc: (string | number)[]): ValidationDetail[] {
  switch (issue.code) {
    case 'invalid_type':
      return input === undefined
        ? [{ loc, msg: 'field required', type: 'value_error.missing' }]
        : [{ loc, msg: `value is not a valid ${issue.expected}`, type: `type_error.${issue.expected}` }];
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        loc: [...loc, key],
        msg: 'extra fields not permitted',
        type: 'value_error.extra',
      }));
    case 'invalid_union': {
      // The client meant the alternative that its value got furthest into.
      const [meant] = issue.errors.toSorted((a, b) => depth(b) - depth(a));
      if (meant && depth(meant) > 0) return toValidationDetails(meant, input, loc);
      return [{ loc, msg: 'value matches none of the permitted types', type: 'type_error.union' }];
    }
    case 'invalid_value':
      return [
        { loc, msg: `unexpected value; permitted: ${issue.values.map(String).join(', ')}`, type: 'value_error.const' },
      ];
    default:
      return [{ loc, msg: issue.message, type: 'value_error' }];
  }
}

function depth(issues: readonly Issue[]): number {
  return issues.reduce((deepest, issue) => Math.max(deepest, issue.path.length), 0);
}
