/** Parses the query strings of the list operations, once. A wrong value is a 422 that names it. */
import { HttpError, invalid } from '../http/http-error.ts';
import type { LogQuery, LogSortColumn, PageQuery, ProjectQuery } from '../store/store.ts';
import { toTimestampBound } from '../store/timestamps.ts';

export const MAX_PAGE_SIZE = 1000;
const MAX_SEARCH_LENGTH = 500;
/** Each sort is computed for all logs of the project. There are three columns, and few types of feedback. */
const MAX_SORTS = 5;
/** Types of feedback that one list is filtered by. */
const MAX_FEEDBACK_FILTERS = 5;
/** Alternatives of one filter. */
const MAX_FILTER_VALUES = 100;

export function parsePage(query: URLSearchParams, firstPage: 0 | 1, defaultSize: number): PageQuery {
  return {
    page: parseInteger(query, 'page', firstPage, firstPage, 1_000_000_000),
    size: parseInteger(query, 'size', defaultSize, 1, MAX_PAGE_SIZE),
  };
}

/**
 * Accepts `version_status` and `evaluator-{id}_filter` without effect: this server has no versions and no evaluators.
 */
export function parseLogQuery(query: URLSearchParams): LogQuery {
  parseChoice(query, 'version_status', ['uncommitted', 'committed', 'deleted'], 'uncommitted');
  const feedback = new Map<string, string[]>();
  for (const name of new Set(query.keys())) {
    const type = /^feedback-(.+)_filter$/.exec(name)?.[1];
    if (type === undefined) continue;
    if (feedback.size === MAX_FEEDBACK_FILTERS) {
      throw invalid(['query', name], `at most ${MAX_FEEDBACK_FILTERS} filters by feedback are taken`);
    }
    feedback.set(type, parseAlternatives(query, name));
  }
  return {
    ...parsePage(query, 0, 50),
    projectId: requireValue(query, 'project_id'),
    ...optional('search', parseSearch(query, 'search')),
    ...optional('metadataSearch', parseSearch(query, 'metadata_search')),
    ...optional('startDate', parseDate(query, 'start_date', 'first')),
    ...optional('endDate', parseDate(query, 'end_date', 'last')),
    sources: parseAlternatives(query, 'source_filter'),
    models: parseAlternatives(query, 'model_filter'),
    feedback,
    sort: parseSorts(query),
  };
}

export function parseProjectQuery(query: URLSearchParams): ProjectQuery {
  return {
    ...parsePage(query, 0, 10),
    ...optional('filter', parseSearch(query, 'filter')),
    sortBy: parseChoice(query, 'sort_by', ['created_at', 'updated_at', 'name'], 'created_at'),
    descending: parseChoice(query, 'order', ['asc', 'desc'], 'desc') === 'desc',
  };
}

export function requireValue(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (!value) throw invalid(['query', name], 'field required', 'value_error.missing');
  return value;
}

function parseInteger(query: URLSearchParams, name: string, fallback: number, least: number, most: number): number {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  const value = Number(text);
  if (!/^-?\d+$/.test(text)) throw invalid(['query', name], 'value is not a valid integer', 'type_error.integer');
  if (value < least) throw invalid(['query', name], `ensure this value is greater than or equal to ${least}`);
  if (value > most) throw invalid(['query', name], `ensure this value is less than or equal to ${most}`);
  return value;
}

function parseChoice<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const text = query.get(name);
  if (!text) return fallback;
  const choice = choices.find((candidate) => candidate === text);
  if (!choice)
    throw invalid(['query', name], `unexpected value; permitted: ${choices.join(', ')}`, 'value_error.const');
  return choice;
}

function parseSearch(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (text.length > MAX_SEARCH_LENGTH) {
    throw invalid(['query', name], `ensure this value has at most ${MAX_SEARCH_LENGTH} characters`);
  }
  return text;
}

function parseDate(query: URLSearchParams, name: string, bound: 'first' | 'last'): string | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  const timestamp = toTimestampBound(text, bound);
  if (!timestamp) throw invalid(['query', name], 'value is not a valid date or datetime');
  return timestamp;
}

function parseAlternatives(query: URLSearchParams, name: string): string[] {
  const values = query.getAll(name);
  if (values.length > MAX_FILTER_VALUES)
    throw invalid(['query', name], `at most ${MAX_FILTER_VALUES} values are taken`);
  return values;
}

/** The second sort by the same column would change nothing. */
function parseSorts(query: URLSearchParams): LogQuery['sort'] {
  const texts = query.getAll('sort');
  if (texts.length > MAX_SORTS) throw invalid(['query', 'sort'], `at most ${MAX_SORTS} sorts are taken`);
  const columns = new Set(texts.map((text) => text.replace(/\.[^.]*$/, '')));
  if (columns.size < texts.length) throw invalid(['query', 'sort'], 'each column can be sorted by once');
  return texts.map(parseSort);
}

/** Parses `{column}.{asc|desc}`. */
function parseSort(text: string): LogQuery['sort'][number] {
  const [, name, direction] = /^(source|model|timestamp|feedback-.+)\.(asc|desc)$/.exec(text) ?? [];
  if (!name) {
    const msg = 'expected {column}.{asc|desc} with the column source, model, timestamp or feedback-{name}';
    throw new HttpError(422, [{ loc: ['query', 'sort'], msg, type: 'value_error' }]);
  }
  const column = name.startsWith('feedback-') ? { feedback: name.slice('feedback-'.length) } : name;
  return { column: column as LogSortColumn, descending: direction === 'desc' };
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [K in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [K in Name]?: Value });
}
