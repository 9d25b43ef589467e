/** What the operations have in common: how the store's answers and rejections become those of the API. */
import type { Page } from '../../wire/v4.ts';
import { type Answer, json, jsonText } from '../http/answer.ts';
import { HttpError, invalid } from '../http/http-error.ts';
import { NameTakenError, RejectedFieldError, RejectedItemError } from '../store/rejected-item.ts';
import { writeLogJson, writeRecordsJson } from '../store/rows/log-json.ts';

export function found(body: unknown, what: string): Answer {
  if (body === undefined) throw new HttpError(404, `${what} not found`);
  return json(200, body);
}

/** What is JSON in a log, a session, a project or a use of a config is sent as it is stored. */
export async function foundStored(stored: object | undefined, what: string): Promise<Answer> {
  if (stored === undefined) throw new HttpError(404, `${what} not found`);
  return jsonText(200, await writeLogJson(stored));
}

export async function foundPage(page: Page<object> | undefined): Promise<Answer> {
  if (page === undefined) throw new HttpError(404, 'project not found');
  return jsonText(200, await writeRecordsJson(page));
}

/**
 * Turns a rejection of the store into a 422, or a 409 for a name that is taken. Its place has an index only where the
 * client sent an array.
 */
export function nameItemOf(body: unknown): (error: unknown) => never {
  return (error) => {
    if (error instanceof NameTakenError) throw new HttpError(409, error.message);
    if (error instanceof RejectedFieldError) throw invalid(['body', error.field], error.message);
    if (!(error instanceof RejectedItemError)) throw error;
    throw invalid(['body', ...(Array.isArray(body) ? [error.index] : []), error.field], error.message);
  };
}
