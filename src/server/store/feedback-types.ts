/** Types of feedback that a project defines. Pure. */
import type { FeedbackClass, FeedbackLabel } from '../../wire/v4.ts';
import type { FeedbackTypeDefinition, FeedbackTypeResponse } from './project-store.ts';
import { RejectedFieldError } from './rejected-item.ts';
import { storableText } from './storable-text.ts';

/** In one list of a project's configs. */
export const MAX_CONFIGS = 1_000;
/** Of one project. All are in each answer that has the project. */
export const MAX_FEEDBACK_TYPES = 200;
const MAX_LABELS = 1_000;
const MAX_LABEL_CHARACTERS = 100_000;
/** Of all types of one project, as they are stored. */
const MAX_BYTES_OF_TYPES = 1_000_000;
/** Of those that a project has not defined, which logs have all the same, in an answer. */
export const MAX_GIVEN = 500;
/** All of them together. */
export const MAX_GIVEN_CHARACTERS = 100_000;
/** Types that every project of v4 had from the start. */
const GIVEN_TYPES = new Set(['rating', 'action', 'issue']);

export interface StoredFeedbackType {
  readonly type: string;
  readonly class: FeedbackClass;
  readonly labels: readonly Required<FeedbackLabel>[];
}

/** `bytes` are those of all types that the project would have. @throws {RejectedFieldError} */
export function limitFeedbackTypes(bytes: number): void {
  if (bytes <= MAX_BYTES_OF_TYPES) return;
  throw new RejectedFieldError('values', `the types of the project would have more than ${MAX_BYTES_OF_TYPES} bytes`);
}

/** Returns the first of these types, which only logs have, as many as an answer takes. */
export function boundGiven(types: readonly string[]): string[] {
  let characters = 0;
  return types.filter(({ length }) => {
    characters += length;
    return characters <= MAX_GIVEN_CHARACTERS;
  });
}

/** Only types with a choice have labels. */
export function toFeedbackType({ type, class: kind, labels }: StoredFeedbackType): FeedbackTypeResponse {
  return { type, ...(kind.endsWith('select') && { values: [...labels] }) };
}

/** Keeps the labels that are there: a client names those that it adds or changes. */
export function mergeFeedbackType(
  given: FeedbackTypeDefinition,
  type: string,
  stored: StoredFeedbackType | undefined,
): StoredFeedbackType {
  const kind = given.class ?? stored?.class;
  const chosen = kind ?? (GIVEN_TYPES.has(type) ? 'select' : undefined);
  if (chosen === undefined) throw new RejectedFieldError('class', 'field required');
  if (given.values !== undefined && !chosen.endsWith('select')) {
    throw new RejectedFieldError('values', `a type of the class ${chosen} has no values to choose from`);
  }
  const labels = new Map<string, StoredFeedbackType['labels'][number]['sentiment']>();
  for (const { value, sentiment } of stored?.labels ?? []) labels.set(value, sentiment);
  for (const { value, sentiment } of given.values ?? []) {
    const text = storableText(value);
    labels.set(text, sentiment ?? labels.get(text) ?? 'unset');
  }
  const merged = [...labels].map(([value, sentiment]) => ({ value, sentiment }));
  const characters = merged.reduce((sum, { value }) => sum + value.length, 0);
  if (merged.length > MAX_LABELS || characters > MAX_LABEL_CHARACTERS) {
    const limit = `${MAX_LABELS} values, or ${MAX_LABEL_CHARACTERS} characters in them`;
    throw new RejectedFieldError('values', `the type would have more than ${limit}`);
  }
  return { type, class: chosen, labels: merged };
}
