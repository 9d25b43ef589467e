/** How the description has the parameters that query-string.ts parses. */
import type { QueryParameter } from '../http/route.ts';
import { MAX_PAGE_SIZE } from './query-string.ts';

const text: QueryParameter = { schema: { type: 'string' } };
const texts: QueryParameter = { schema: { type: 'array', items: { type: 'string' } } };
const TIME = {
  anyOf: [
    { type: 'string', format: 'date' },
    { type: 'string', format: 'date-time' },
  ],
};

export const required: QueryParameter = { ...text, isRequired: true };
export const requiredList: QueryParameter = { ...texts, isRequired: true };
export const optionalText = text;

export function pageParameters(firstPage: number, size: number): Record<string, QueryParameter> {
  return {
    page: { schema: { type: 'integer', minimum: firstPage, default: firstPage } },
    size: { schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: size } },
  };
}

export const logListParameters: Record<string, QueryParameter> = {
  ...{ project_id: required, search: text, metadata_search: text },
  start_date: { schema: TIME, description: 'Of created_at, inclusive. A date is its first instant.' },
  end_date: { schema: TIME, description: 'Of created_at, inclusive. A date is its last instant.' },
  source_filter: texts,
  model_filter: texts,
  sort: { ...texts, description: '{source, model, timestamp or feedback-TYPE}.{asc or desc}' },
  version_status: { schema: { type: 'string', enum: ['uncommitted', 'committed', 'deleted'] } },
  ...pageParameters(0, 50),
};

export const projectListParameters: Record<string, QueryParameter> = {
  filter: text,
  sort_by: { schema: { type: 'string', enum: ['created_at', 'updated_at', 'name'], default: 'created_at' } },
  order: { schema: { type: 'string', enum: ['asc', 'desc'], default: 'desc' } },
  ...pageParameters(0, 10),
};
