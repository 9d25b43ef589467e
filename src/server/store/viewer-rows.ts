/** From rows to what the viewer shows of a session and its logs. Pure. */
import type { SqliteRow, SqliteValue } from '../../sqlite/open.ts';
import { fromBucket } from './duration-buckets.ts';
import type { LogLabel, Overview, OverviewModel, SessionLog, SessionSummary } from './viewer-store.ts';

/** Users and models of one session that its row names. */
const MAX_LABELS = 5;

/** Named in an overview. */
export const MAX_MODELS = 50;
/** All others together. */
export const OTHER_MODELS = 'other models';

/** `labels` are the rows of `listLabels`. */
export function toSummary(row: SqliteRow, labels: readonly SqliteRow[]): SessionSummary {
  return {
    key: Number(row['key']),
    id: row['id'] as string,
    ...given('reference_id', row['reference_id']),
    projects: JSON.parse((row['projects'] as string | null) ?? '[]'),
    logs: Number(row['logs_count']),
    errors: Number(row['errors_count']),
    running: Number(row['running_count']),
    ...given('prompt_tokens', row['prompt_tokens']),
    ...given('output_tokens', row['output_tokens']),
    ...(Number.isFinite(row['cost']) && given('cost', row['cost'])),
    ...given('first_input', row['first_input']),
    ...given('last_output', row['last_output']),
    ...(row['last_is_error'] === 1 && { last_is_error: true as const }),
    started_at: row['started_at'] as string,
    ended_at: Number(row['ended_at']),
    // A difference of times, in fractions that no number has.
    duration: Math.max(0, Math.round(Number(row['duration']) * 1e6) / 1e6),
    updated_at: row['updated_at'] as string,
    ...some('users', valuesOf(labels, 'user')),
    ...some('models', valuesOf(labels, 'model')),
    ...some(
      'ratings',
      (['good', 'bad'] as const).filter((rating) => valuesOf(labels, 'feedback').includes(`rating: ${rating}`)),
    ),
  };
}

function valuesOf(labels: readonly SqliteRow[], kind: string): string[] {
  return labels.filter((label) => label['kind'] === kind).map((label) => label['value'] as string);
}

function some<Name extends string, Value>(name: Name, values: readonly Value[]): { [K in Name]?: Value[] } {
  return values.length === 0 ? {} : ({ [name]: values.slice(0, MAX_LABELS) } as { [K in Name]?: Value[] });
}

export function toSessionLog(row: SqliteRow): SessionLog {
  const feedback = JSON.parse(row['feedback'] as string);
  const trace = row['trace'] ?? /^([0-9a-f]{32})-[0-9a-f]{16}$/.exec((row['reference_id'] as string | null) ?? '')?.[1];
  return {
    key: Number(row['key']),
    id: row['id'] as string,
    ...given('parent', row['parent_key']),
    ...(row['parent_key'] === null && given('missing_parent', row['parent_reference_id'])),
    ...(trace !== undefined && { trace: String(trace) }),
    project: row['project'] as string,
    ...given('config', row['config_key']),
    created_at: row['created_at'] as string,
    updated_at: row['updated_at'] as string,
    ...given('duration', row['duration']),
    ...(row['is_running'] === 1 && { running: true as const }),
    ...given('prompt_tokens', row['prompt_tokens']),
    ...given('output_tokens', row['output_tokens']),
    ...given('cost', row['cost']),
    ...given('error', row['error']),
    ...given('output', row['output']),
    ...given('calls', row['calls']),
    ...(feedback.length > 0 && { feedback }),
  };
}

export function toConfigLabel(row: SqliteRow): LogLabel {
  const type = row['type'] as string;
  const name = row['label'] ?? row['model'] ?? type;
  return { type, name: name as string, ...given('model', row['model']) };
}

function given<Name extends string>(name: Name, value: SqliteValue | undefined): { [K in Name]?: never } {
  return value === null || value === undefined ? {} : ({ [name]: value } as object);
}

/** From counts by day, model and bucket, newest day first. */
export function toOverview(rows: readonly SqliteRow[]): Overview {
  const days = [...groupBy(rows, 'day')].map(([day, ofDay]) => ({
    day,
    logs: sum(ofDay, 'logs'),
    errors: sum(ofDay, 'errors'),
    ...costOf(ofDay),
    models: toModels(ofDay),
    ...percentilesOf(ofDay),
  }));
  return { days, models: toModels(rows) };
}

function toModels(rows: readonly SqliteRow[]): OverviewModel[] {
  const calls = rows.filter((row) => row['model'] !== '');
  const models = [...groupBy(calls, 'model')].map(([model, counts]) => ({
    model,
    calls: sum(counts, 'logs'),
    errors: sum(counts, 'errors'),
    prompt_tokens: sum(counts, 'prompt_tokens'),
    output_tokens: sum(counts, 'output_tokens'),
    ...costOf(counts),
    ...percentilesOf(counts),
  }));
  return models.sort((left, right) => right.calls - left.calls);
}

function groupBy(rows: readonly SqliteRow[], column: string): Map<string, SqliteRow[]> {
  const groups = new Map<string, SqliteRow[]>();
  for (const row of rows) {
    const group = groups.get(row[column] as string);
    if (group) group.push(row);
    else groups.set(row[column] as string, [row]);
  }
  return groups;
}

function sum(rows: readonly Readonly<Record<string, unknown>>[], name: string): number {
  return rows.reduce((total, row) => total + Number(row[name]), 0);
}

/** Of rows with `cost` and `priced`, the number of logs that have one. */
export function costOf(rows: readonly Readonly<Record<string, unknown>>[]): { cost?: number } {
  const cost = sum(rows, 'cost');
  return sum(rows, 'priced') > 0 && Number.isFinite(cost) ? { cost } : {};
}

/** Only calls have a duration here. */
function percentilesOf(rows: readonly SqliteRow[]): { p50?: number; p95?: number } {
  const timed = rows
    .flatMap((row) => {
      const seconds = fromBucket(Number(row['bucket']));
      return seconds === undefined ? [] : [{ seconds, count: Number(row['logs']) }];
    })
    .sort((left, right) => left.seconds - right.seconds);
  const total = timed.reduce((all, { count }) => all + count, 0);
  const at = (share: number): number => {
    let passed = 0;
    for (const { seconds, count } of timed) {
      passed += count;
      if (passed >= share * total) return seconds;
    }
    return timed.at(-1)!.seconds;
  };
  return total === 0 ? {} : { p50: at(0.5), p95: at(0.95) };
}
