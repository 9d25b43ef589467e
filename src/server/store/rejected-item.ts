/** Errors for an item of a request that cannot be stored. Nothing of the request is stored then. */
import { HumanloopError } from '../../errors.ts';

/** What the store rejects with. */
export class RejectedItemError extends HumanloopError {
  override readonly name = 'RejectedItemError';
  /** The item's place in the request. */
  readonly index: number;
  readonly field: string;

  constructor(index: number, field: string, message: string) {
    super(message);
    this.index = index;
    this.field = field;
  }
}

/** Thrown for one item by code that does not know its index, and by `updateLog`, which has only one. */
export class RejectedFieldError extends HumanloopError {
  override readonly name = 'RejectedFieldError';
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/** Throws the error again: a `RejectedFieldError` with the index of its item. */
export function rejectItem(index: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof RejectedFieldError)) throw error;
    throw new RejectedItemError(index, error.field, error.message);
  };
}

/** A name that is unique is in use. */
export class NameTakenError extends HumanloopError {
  override readonly name = 'NameTakenError';
}

/**
 * Works on each item in order, and yields after each, and wherever `work` does. A `RejectedFieldError` from `work`
 * becomes a `RejectedItemError` with the item's index.
 */
export function* mapItems<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result | Generator<void, Result>,
): Generator<void, Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    try {
      const result = work(item);
      results.push(isGenerator(result) ? yield* result : result);
    } catch (error) {
      rejectItem(index)(error);
    }
    yield;
  }
  return results;
}

function isGenerator<Result>(value: Result | Generator<void, Result>): value is Generator<void, Result> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
}
