/** Checks bodies by their schemas: one object, or an array of them. */
import type { z } from 'zod';
import type { ValidationDetail } from '../../wire/v4.ts';
import { HttpError } from '../http/http-error.ts';
import { findOversize } from './checked-size.ts';
import { type Checked, check } from './validation-detail.ts';

export type Loc = (string | number)[];

/** This many are enough to repair a request; more would only make the answer long. */
export const MAX_DETAILS = 100;

export function parseOne<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const checked = checkItem(schema, body, ['body']);
  if (checked.details) throw new HttpError(422, checked.details);
  return checked.data;
}

export function checkItem<Output>(schema: z.ZodType<Output>, item: unknown, loc: Loc): Checked<Output> {
  const oversize = findOversize(item, loc);
  return oversize ? { details: [oversize] } : check(schema, item, loc, MAX_DETAILS);
}

/** Takes one object or an array of them. `loc` has the index only where the client sent an array. */
export function toItems(body: unknown, maxItems: number): { value: unknown; loc: Loc }[] {
  if (!Array.isArray(body)) return [{ value: body, loc: ['body'] }];
  // 413, as for too many bytes: the client can send the same in two requests.
  if (body.length > maxItems)
    throw new HttpError(413, `the array has ${body.length} items, at most ${maxItems} are taken`);
  return body.map((value, index) => ({ value, loc: ['body', index] }));
}

/** The rest would not be named any more. */
export function rejectIfMany(details: ValidationDetail[]): void {
  if (details.length >= MAX_DETAILS) rejectIfAny(details);
}

export function rejectIfAny(details: ValidationDetail[]): void {
  if (details.length > 0) throw new HttpError(422, details.slice(0, MAX_DETAILS));
}

export function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}
