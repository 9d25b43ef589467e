/** Composes the SQL of list queries from fixed fragments, with every value bound. Pure. */
import { storableText } from '../../storable-text.ts';
import type { LogQuery, LogSortColumn, ProjectQuery } from '../../store.ts';
import { type Statement, toSqlTime, type Value } from '../tables/connection.ts';
import type { Uuid } from '../tables/keys.ts';

/** Counting stops there: of more, a list says that there are at least so many. */
const MAX_COUNTED = 10_000;

class Parameters {
  readonly values: Value[] = [];

  add(value: Value): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** @param configs those of the models that are asked for. Returns how many logs match, and the ids of the page. */
export function toLogListSql(
  projectKey: number,
  query: LogQuery,
  configs: { readonly wanted?: readonly Uuid[]; readonly models?: ReadonlyMap<Uuid, string> },
): { count: Statement; ids: Statement } {
  const parameters = new Parameters();
  const conditions = [`logs.project = ${parameters.add(projectKey)}`];
  if (query.startDate !== undefined)
    conditions.push(`logs.created_at >= ${parameters.add(toSqlTime(query.startDate))}`);
  if (query.endDate !== undefined) conditions.push(`logs.created_at <= ${parameters.add(toSqlTime(query.endDate))}`);
  if (query.sources.length > 0) {
    conditions.push(`logs.source = ANY(${parameters.add(query.sources.map(storableText))}::text[])`);
  }
  if (configs.wanted) conditions.push(`logs.config = ANY(${parameters.add(configs.wanted)}::uuid[])`);
  for (const [type, values] of query.feedback) {
    // A query string has strings without quotes, anything else as JSON.
    const alternatives = values.flatMap((value) => [value, JSON.stringify(value)]);
    conditions.push(
      `${latestFeedback(parameters.add(storableText(type)))} = ANY(${parameters.add(alternatives)}::text[])`,
    );
  }
  if (query.search !== undefined) {
    const inJson = parameters.add(asInJson(query.search));
    const written = parameters.add(storableText(query.search));
    conditions.push(
      `(${contains('logs.output', written)} OR ${contains('logs.inputs', inJson)} OR ${contains('logs.messages', inJson)})`,
    );
  }
  if (query.metadataSearch !== undefined) {
    conditions.push(contains('logs.metadata', parameters.add(asInJson(query.metadataSearch))));
  }
  const from = `FROM logs WHERE ${conditions.join(' AND ')}`;
  const last = (query.page + 1) * query.size + 1;
  const count = {
    text: `SELECT count(*) AS total FROM (SELECT 1 ${from} LIMIT ${Math.max(MAX_COUNTED, last)}) AS counted`,
    values: [...parameters.values],
  };

  const order: string[] = [];
  for (const { column, descending } of query.sort) {
    // As SQLite sorts: what has no value is the lowest.
    const nulls = descending ? 'NULLS LAST' : 'NULLS FIRST';
    order.push(`${sortExpression(column, parameters, configs.models)} ${descending ? 'DESC' : 'ASC'} ${nulls}`);
  }
  const byTime = query.sort.find(({ column }) => column === 'timestamp');
  if (!byTime) order.push('logs.created_at DESC');
  // The id makes the order total, so that no log is on two pages. Its direction is that of the index.
  order.push(byTime && !byTime.descending ? 'logs.id ASC' : 'logs.id DESC');
  const page = `LIMIT ${parameters.add(query.size)} OFFSET ${parameters.add(query.page * query.size)}`;
  return {
    count,
    ids: { text: `SELECT logs.id ${from} ORDER BY ${order.join(', ')} ${page}`, values: parameters.values },
  };
}

export function toProjectListSql(query: ProjectQuery): { count: Statement; rows: Statement } {
  const { sortBy, descending, filter, page, size } = query;
  const parameters = new Parameters();
  const where = filter === undefined ? '' : `WHERE ${contains('name', parameters.add(storableText(filter)))}`;
  const direction = descending ? 'DESC' : 'ASC';
  const count = { text: `SELECT count(*) AS total FROM projects ${where}`, values: [...parameters.values] };
  // Names in the order of their bytes, whatever the collation of the database is.
  const column = sortBy === 'name' ? 'name COLLATE "C"' : sortBy;
  const text = `SELECT * FROM projects ${where} ORDER BY ${column} ${direction}, key ${direction}
    LIMIT ${parameters.add(size)} OFFSET ${parameters.add(page * size)}`;
  return { count, rows: { text, values: parameters.values } };
}

/** The latest value, as JSON. */
function latestFeedback(type: string): string {
  return `(SELECT value FROM feedback
    WHERE feedback.day = logs.day AND feedback.bucket = logs.bucket AND feedback.log_id = logs.id
      AND feedback.type = ${type} ORDER BY feedback.created_at DESC, feedback.id DESC LIMIT 1)`;
}

function sortExpression(
  column: LogSortColumn,
  parameters: Parameters,
  models: ReadonlyMap<Uuid, string> = new Map(),
): string {
  if (typeof column === 'object')
    return `btrim(${latestFeedback(parameters.add(storableText(column.feedback)))}, '"') COLLATE "C"`;
  if (column === 'model') {
    const keys = parameters.add([...models.keys()]);
    return `(${parameters.add([...models.values()])}::text[])[array_position(${keys}::uuid[], logs.config)] COLLATE "C"`;
  }
  return { source: 'logs.source COLLATE "C"', timestamp: 'logs.created_at' }[column];
}

/** ASCII letters match in either case. */
function contains(column: string, parameter: string): string {
  return `strpos(lower(${column} COLLATE "C"), lower(${parameter}::text COLLATE "C")) > 0`;
}

function asInJson(term: string): string {
  return JSON.stringify(term).slice(1, -1);
}
