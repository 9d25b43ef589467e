/** One change of a log's feedback: added, or taken back. */
import type { FeedbackRequest } from '../../../wire/v4.ts';
import { newIdentifier } from '../identifiers.ts';
import { RejectedFieldError } from '../rejected-item.ts';
import type { FeedbackResponse } from '../store.ts';
import type { LogWrites } from './writing/log-writes.ts';
import type { Statements } from './writing/statements.ts';

export function changeFeedback(statements: Statements, writes: LogWrites, request: FeedbackRequest): FeedbackResponse {
  const { type, value, data_id: dataId, user, created_at } = request;
  const log = dataId === undefined ? undefined : statements.findLogById.get(dataId);
  if (!log) throw new RejectedFieldError('data_id', 'datapoint not found');
  const answer = { type, ...(dataId !== undefined && { data_id: dataId }), ...(user !== undefined && { user }) };
  if (!request.unset) {
    return {
      ...answer,
      value,
      ...writes.feedback.insert(log['key']!, { type, value: value!, user, created_at }, 'value'),
    };
  }
  const removed = statements.deleteFeedback.all({
    ...{ log_key: log['key']!, type, user: user ?? null },
    value: value === undefined ? null : JSON.stringify(value),
  });
  writes.feedback.forget(log['key']!);
  const last = removed.at(-1);
  // Nothing was removed. v4 requires a value in the answer.
  if (!last) return { ...answer, value: value ?? '', id: newIdentifier('ann') };
  return { ...answer, value: JSON.parse(last['value'] as string), id: last['id'] as string };
}
