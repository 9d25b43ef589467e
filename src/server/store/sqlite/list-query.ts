/** Composes the SQL of list queries from fixed fragments, with every value bound. Pure. */
import type { SqliteValue } from '../../../sqlite/open.ts';
import { storableText } from '../storable-text.ts';
import type { LogQuery, LogSortColumn, ProjectQuery } from '../store.ts';

export interface SqlQuery {
  readonly sql: string;
  readonly parameters: readonly SqliteValue[];
}

/** Returns two queries: how many logs match, and the keys of those on the page. */
export function toLogListSql(projectKey: SqliteValue, query: LogQuery): { count: SqlQuery; keys: SqlQuery } {
  const conditions = ['logs.project_key = ?'];
  const parameters: SqliteValue[] = [projectKey];
  const where = (condition: string, ...values: SqliteValue[]): void => {
    conditions.push(condition);
    parameters.push(...values);
  };

  if (query.startDate !== undefined) where('logs.created_at >= ?', query.startDate);
  if (query.endDate !== undefined) where('logs.created_at <= ?', query.endDate);
  if (query.sources.length > 0) where(`logs.source IN (${marks(query.sources)})`, ...query.sources.map(storableText));
  if (query.models.length > 0) where(`configs.model IN (${marks(query.models)})`, ...query.models.map(storableText));
  for (const [type, values] of query.feedback) {
    where(`${LATEST_FEEDBACK} IN (${marks(values)})`, storableText(type), ...values);
  }
  if (query.search !== undefined) {
    const inJson = asInJson(query.search);
    where(
      `(${contains('logs.output')} OR ${contains('logs.inputs')} OR ${contains('logs.messages')})`,
      ...[storableText(query.search), inJson, inJson],
    );
  }
  if (query.metadataSearch !== undefined) where(contains('logs.metadata'), asInJson(query.metadataSearch));

  const from = `FROM logs LEFT JOIN configs ON configs.key = logs.config_key WHERE ${conditions.join(' AND ')}`;
  const order: string[] = [];
  const orderParameters: SqliteValue[] = [];
  for (const { column, descending } of query.sort) {
    order.push(`${sortExpression(column)} ${descending ? 'DESC' : 'ASC'}`);
    if (typeof column === 'object') orderParameters.push(storableText(column.feedback));
  }
  const byTime = query.sort.find(({ column }) => column === 'timestamp');
  if (!byTime) order.push('logs.created_at DESC');
  // The key makes the order total, so that no log is on two pages. Its direction is that of the index.
  order.push(byTime && !byTime.descending ? 'logs.key ASC' : 'logs.key DESC');

  return {
    count: { sql: `SELECT count(*) AS total ${from}`, parameters },
    keys: {
      sql: `SELECT logs.key AS key ${from} ORDER BY ${order.join(', ')} LIMIT ? OFFSET ?`,
      parameters: [...parameters, ...orderParameters, query.size, query.page * query.size],
    },
  };
}

/** The keys are those on the page, each with most of the bytes of its project: these are read after that. */
export function toProjectListSql(query: ProjectQuery): { count: SqlQuery; keys: SqlQuery } {
  const { sortBy, descending, filter, page, size } = query;
  const direction = descending ? 'DESC' : 'ASC';
  const where = filter === undefined ? '' : `WHERE ${contains('name')}`;
  const parameters = filter === undefined ? [] : [storableText(filter)];
  return {
    count: { sql: `SELECT count(*) AS total FROM projects ${where}`, parameters },
    keys: {
      sql: `SELECT key, (SELECT coalesce(sum(octet_length(labels)), 0) FROM feedback_types WHERE project_key = page.key)
          AS bytes
        FROM (SELECT key FROM projects ${where} ORDER BY ${sortBy} ${direction}, key ${direction} LIMIT ? OFFSET ?) AS page`,
      parameters: [...parameters, size, page * size],
    },
  };
}

/** The latest value as a query string would have it: strings without quotes, anything else as JSON. */
const LATEST_FEEDBACK = `
  (SELECT CASE json_type(value) WHEN 'text' THEN json_extract(value, '$') ELSE value END FROM feedback
   WHERE log_key = logs.key AND type = ? ORDER BY feedback.created_at DESC, feedback.key DESC LIMIT 1)`;

function sortExpression(column: LogSortColumn): string {
  if (typeof column === 'object') return LATEST_FEEDBACK;
  return { source: 'logs.source', model: 'configs.model', timestamp: 'logs.created_at' }[column];
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

/** ASCII letters match in either case. LIKE would take a thousand times as long for a text such as `aaaa…b`. */
function contains(column: string): string {
  return `instr(lower(${column}), lower(?)) > 0`;
}

function asInJson(term: string): string {
  return JSON.stringify(term).slice(1, -1);
}
