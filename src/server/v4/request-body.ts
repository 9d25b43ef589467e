/** Parses request bodies, once: the result is complete and of the wire schema, or a 422 says where it is not. */

import { isObject } from '../../wire/json.ts';
import {
  type FeedbackRequest,
  feedbackRequest,
  type LogRequest,
  type LogUpdate,
  logRequest,
  logUpdate,
  type ValidationDetail,
} from '../../wire/v4.ts';
import { createPauses } from '../store/heavy-turns.ts';
import { isIsoTime, toTimestamp } from '../store/timestamps.ts';
import { checkInParts } from './check-in-parts.ts';
import { checkItem, type Loc, parseOne, rejectIfAny, rejectIfMany, toItems, withoutNulls } from './checked-body.ts';
import { createPlainLogs } from './plain-log.ts';

type JsonObject = Record<string, unknown>;

/** The form of the schema, as most clients send it. */
const COMMON_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/;
const VALID = { data: undefined, details: undefined };

const plainLogs = createPlainLogs();

export async function parseLogRequests(body: unknown, maxItems: number): Promise<LogRequest[]> {
  const items = toItems(body, maxItems);
  const details: ValidationDetail[] = [];
  const pause = createPauses();
  const requests: LogRequest[] = [];
  for (const { value, loc } of items) {
    await pause();
    rejectIfMany(details);
    const item = withTimes(withoutNullsIn(value, ['config', 'feedback']));
    const checked = plainLogs.has(item) ? VALID : await checkInParts(logRequest, item, loc, pause);
    // We keep the item itself: zod's copy lacks the keys of messages that the schema does not name.
    const request = item as LogRequest;
    if (checked.details) {
      details.push(...checked.details);
      requests.push(request);
      continue;
    }
    if (checked !== VALID) plainLogs.learn(item);
    const config = request.config as JsonObject | null | undefined;
    const isUntyped = config && !('type' in config);
    requests.push(isUntyped ? ({ ...request, config: { ...config, type: 'model' } } as LogRequest) : request);
  }
  rejectIfAny(details);
  const referenceIds = new Set(requests.map((request) => request.reference_id).filter(Boolean));
  for (const [index, request] of requests.entries()) addBrokenRules(details, request, items[index]!.loc, referenceIds);
  rejectIfAny(details);
  return requests;
}

/** Checks the rules of the API that no schema states. */
function addBrokenRules(
  broken: ValidationDetail[],
  request: LogRequest,
  loc: Loc,
  referenceIds: ReadonlySet<unknown>,
): void {
  const add = (field: string, msg: string, type = 'value_error'): void => {
    broken.push({ loc: [...loc, field], msg, type });
  };
  if (!request.project && !request.project_id) {
    add('project', 'either project or project_id must be provided', 'value_error.missing');
  }
  if (!request.config && !request.config_id && !request.trial_id) {
    add('config', 'config is required unless config_id or trial_id is provided', 'value_error.missing');
  }
  if (request.session_id && request.session_reference_id) {
    add('session_reference_id', 'specify at most one of session_id and session_reference_id');
  }
  if (request.parent_id && request.parent_reference_id) {
    add('parent_reference_id', 'specify at most one of parent_id and parent_reference_id');
  }
  for (const field of ['parent_reference_id', 'parent_id'] as const) {
    if (request[field] && referenceIds.has(request[field])) {
      add(field, 'the parent cannot be a datapoint of the same request: log it in an earlier one');
    }
  }
  broken.push(...findWrongTime(request, loc));
  if (!request.feedback) return;
  for (const [index, entry] of [request.feedback].flat().entries()) {
    broken.push(...findWrongTime(entry, [...loc, 'feedback', ...(Array.isArray(request.feedback) ? [index] : [])]));
  }
}

/** The schema has one form of a time. Clients send others, which every version of the API has taken. */
function withTimes(item: unknown): unknown {
  const timed = withTime(item);
  if (!isObject(timed) || !timed['feedback']) return timed;
  const feedback = timed['feedback'];
  return { ...timed, feedback: Array.isArray(feedback) ? feedback.map(withTime) : withTime(feedback) };
}

function withTime(item: unknown): unknown {
  if (!isObject(item)) return item;
  const time = item['created_at'];
  if (isIsoTime(time)) return item;
  if ((typeof time !== 'string' && typeof time !== 'number') || COMMON_TIME.test(String(time))) return item;
  const timestamp = toTimestamp(String(time));
  return timestamp === undefined ? item : { ...item, created_at: timestamp };
}

/** The schema knows the form of a time, and not which times can be stored. */
function findWrongTime({ created_at: time }: { created_at?: string | null | undefined }, loc: Loc): ValidationDetail[] {
  if (!time || toTimestamp(time) !== undefined) return [];
  return [{ loc: [...loc, 'created_at'], msg: 'the time is not in the years 0 to 9999 of UTC', type: 'value_error' }];
}

/** Ignores other keys: `id`, `referenceId` and `provider_api_keys` leak from old clients. */
export function parseLogUpdate(body: unknown): LogUpdate {
  return parseOne(logUpdate, body);
}

export function parseFeedbackRequests(body: unknown, maxItems: number): FeedbackRequest[] {
  const items = toItems(body, maxItems);
  const details: ValidationDetail[] = [];
  const requests = items.map(({ value, loc }) => {
    rejectIfMany(details);
    const checked = checkItem(feedbackRequest, withTime(isObject(value) ? withoutNulls(value) : value), loc);
    if (checked.details) {
      details.push(...checked.details);
      return {} as FeedbackRequest;
    }
    const { data } = checked;
    const required = { data_id: data.data_id, value: data.unset ? true : data.value };
    for (const [field, given] of Object.entries(required)) {
      if (given === undefined) {
        details.push({ loc: [...loc, field], msg: 'field required', type: 'value_error.missing' });
      }
    }
    details.push(...findWrongTime(data, loc));
    return data;
  });
  rejectIfAny(details);
  return requests;
}

/** Python clients send the optional fields of a config as `null`; the schema allows that only at the top level. */
function withoutNullsIn(value: unknown, fields: readonly string[]): unknown {
  if (!isObject(value)) return value;
  let changed = value;
  for (const field of fields) {
    const nested = value[field];
    if (isObject(nested) && Object.values(nested).includes(null))
      changed = { ...changed, [field]: withoutNulls(nested) };
  }
  return changed;
}
