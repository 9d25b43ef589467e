/** How much one log may have in each store, since every answer with the log has all of it. */
import { RejectedFieldError } from './rejected-item.ts';

export const MAX_FEEDBACK = 1_000;
const MAX_FEEDBACK_CHARACTERS = 50_000;
/** Of one session in an answer, which has the name of each. */
export const MAX_PROJECTS_OF_SESSION = 200;
/** In all entries. */
const MAX_CHARACTERS_OF_FEEDBACK = 4_000_000;
const MAX_LOG_BYTES = 32 * 1024 * 1024;
/** A log grows request by request. What adds no more than this does not have it measured. */
export const SMALL_CHARACTERS = 256 * 1024;

/** @throws {RejectedFieldError} of `field`, where this is more than a log may have */
export function limitSize(bytes: number, field: string): void {
  if (bytes <= MAX_LOG_BYTES) return;
  throw new RejectedFieldError(field, `the datapoint would have more than ${MAX_LOG_BYTES} bytes in all`);
}

export interface FeedbackSize {
  readonly entries: number;
  /** In types, values and users. */
  readonly characters: number;
}

/** `size` is that of all feedback that the log would have. @throws {RejectedFieldError} of `field` */
export function limitFeedback({ entries, characters }: FeedbackSize, field: string): void {
  if (entries > MAX_FEEDBACK) {
    throw new RejectedFieldError(field, `the datapoint has ${MAX_FEEDBACK} feedback entries, and takes no more`);
  }
  if (characters <= MAX_CHARACTERS_OF_FEEDBACK) return;
  const limit = `${MAX_CHARACTERS_OF_FEEDBACK} characters in its feedback`;
  throw new RejectedFieldError(field, `the datapoint would have more than ${limit}`);
}

/** Returns it as JSON. @throws {RejectedFieldError} of `field` */
export function encodeFeedbackValue(value: unknown, field: string): string {
  const json = JSON.stringify(value);
  if (json.length <= MAX_FEEDBACK_CHARACTERS) return json;
  throw new RejectedFieldError(field, `the value is longer than ${MAX_FEEDBACK_CHARACTERS} characters`);
}
