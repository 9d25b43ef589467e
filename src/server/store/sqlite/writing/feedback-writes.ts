/** Feedback of logs, and how much each of them has: all of it is in every answer with the log. */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import type { Feedback } from '../../../../wire/v4.ts';
import { newIdentifier } from '../../identifiers.ts';
import { encodeFeedbackValue, type FeedbackSize, limitFeedback } from '../../log-limits.ts';
import { storableText } from '../../storable-text.ts';
import { toTimestamp } from '../../timestamps.ts';
import type { Statements } from './statements.ts';

/** Of one request: what a log has is measured once. */
export class FeedbackWrites {
  readonly #statements: Statements;
  readonly #now: string;
  /** By log, with what the request has added. */
  readonly #sizes = new Map<SqliteValue, FeedbackSize>();

  constructor(statements: Statements, now: string) {
    this.#statements = statements;
    this.#now = now;
  }

  /** `field` is the one to name where there is no room for the feedback. */
  insert(logKey: SqliteValue, feedback: Feedback, field: string): { id: string; created_at: string } {
    const value = encodeFeedbackValue(feedback.value, field);
    const type = storableText(feedback.type);
    const user = feedback.user === undefined ? null : storableText(feedback.user);
    const { entries, characters } = this.#sizes.get(logKey) ?? this.#measure(logKey);
    const added = type.length + value.length + (user?.length ?? 0);
    const size = { entries: entries + 1, characters: characters + added };
    limitFeedback(size, field);
    this.#sizes.set(logKey, size);
    const row = {
      id: newIdentifier('ann'),
      created_at: (feedback.created_at && toTimestamp(feedback.created_at)) || this.#now,
    };
    this.#statements.insertFeedback.run({ ...row, log_key: logKey, type, value, user });
    return row;
  }

  /** Must be called when feedback of the log was taken away, or undone. */
  forget(logKey: SqliteValue): void {
    this.#sizes.delete(logKey);
  }

  clear(): void {
    this.#sizes.clear();
  }

  #measure(logKey: SqliteValue): FeedbackSize {
    const { entries, characters } = this.#statements.measureFeedback.get(logKey)!;
    return { entries: Number(entries), characters: Number(characters) };
  }
}
