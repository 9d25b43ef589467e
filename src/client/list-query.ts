/** The query of `GET /logs`, with the parameters of the v4 API. */

export interface ListArguments {
  projectId: string;
  /** Text to find in inputs and output. */
  search?: string;
  metadataSearch?: string;
  versionStatus?: 'uncommitted' | 'committed' | 'deleted';
  /** A Date is sent as date and time; a string is sent unchanged, as `2024-01-31` or RFC 3339. */
  startDate?: Date | string;
  endDate?: Date | string;
  /** Logs per page. Default of the API: 50. */
  size?: number;
  /** Page number, starting from 0. Default: 0. */
  page?: number;
  /** `source`, `model`, `timestamp` or `feedback-{name}`, followed by `.asc` or `.desc`. The first one sorts first. */
  sort?: string | readonly string[];
  sourceFilter?: string | readonly string[];
  modelFilter?: string | readonly string[];
  /** Keyed by the name of the feedback. */
  feedbackFilter?: Readonly<Record<string, string | readonly string[]>>;
  /** Keyed by the id of the evaluator. */
  evaluatorFilter?: Readonly<Record<string, string | readonly string[]>>;
}

export function toListQuery(list: ListArguments): string {
  const query = new URLSearchParams();
  const add = (name: string, value: Date | string | number | readonly string[] | undefined) => {
    if (value === undefined || value === null) return;
    for (const one of Array.isArray(value) ? value : [value]) {
      query.append(name, one instanceof Date ? one.toISOString() : String(one));
    }
  };
  add('project_id', list.projectId);
  add('search', list.search);
  add('metadata_search', list.metadataSearch);
  add('version_status', list.versionStatus);
  add('start_date', list.startDate);
  add('end_date', list.endDate);
  add('size', list.size);
  add('page', list.page);
  add('sort', list.sort);
  add('source_filter', list.sourceFilter);
  add('model_filter', list.modelFilter);
  for (const [name, value] of Object.entries(list.feedbackFilter ?? {})) add(`feedback-${name}_filter`, value);
  for (const [id, value] of Object.entries(list.evaluatorFilter ?? {})) add(`evaluator-${id}_filter`, value);
  return query.toString();
}
