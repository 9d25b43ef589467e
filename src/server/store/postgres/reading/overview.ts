/** Counts of days and models, made from the logs when they are asked for. */
import type pg from 'pg';
import { LONGEST_SECONDS, NO_DURATION, SHORTEST_SECONDS } from '../../duration-buckets.ts';
import { storableText } from '../../storable-text.ts';
import { toOverview } from '../../viewer-rows.ts';
import type { Overview, OverviewQuery } from '../../viewer-store.ts';
import type { Catalog } from '../tables/catalog.ts';
import { type Row, toSqlTime } from '../tables/connection.ts';

/** Days × configs × buckets of one overview. */
const MAX_COUNTS = 200_000;

/** The same buckets as `toBucket` makes. */
const BUCKET = `CASE WHEN duration IS NULL THEN ${NO_DURATION} ELSE
  round(ln(least(greatest(duration, ${SHORTEST_SECONDS}), ${LONGEST_SECONDS}) / ${SHORTEST_SECONDS}) / ln(1.1::float8)) END`;

export async function readOverview(
  pool: pg.Pool,
  catalog: Catalog,
  { days, until, project }: OverviewQuery,
): Promise<Overview> {
  const found = project === undefined ? undefined : await catalog.lookUpProject({ name: storableText(project) });
  if (project !== undefined && !found) return { days: [], models: [] };
  const last = until.slice(0, 10);
  const values = [startOf(last, 1 - days), startOf(last, 1)];
  const { rows } = await pool.query<Row>(
    `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, config, ${BUCKET} AS bucket,
      count(*) AS logs, count(error) AS errors, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
      coalesce(sum(output_tokens), 0) AS output_tokens,
      count(coalesce(prompt_cost, output_cost)) AS priced,
      coalesce(sum(coalesce(prompt_cost + output_cost, prompt_cost, output_cost)), 0) AS cost
     FROM logs WHERE created_at >= $1::timestamptz AND created_at < $2::timestamptz ${found ? 'AND project = $3' : ''}
     GROUP BY 1, 2, 3 ORDER BY 1 DESC LIMIT ${MAX_COUNTS}`,
    found ? [...values, found.key] : values,
  );
  const models = await readModels(pool, rows);
  const named = rows.map((row) => {
    const model = models.get(row['config'] as string);
    return { ...row, model: model ?? '', bucket: model === undefined ? NO_DURATION : row['bucket'] };
  });
  return toOverview(
    named.sort((left, right) => (String(left.model) < String(right.model) ? -1 : 1)).sort(byDay) as never,
  );
}

/** The start of the day so many days later, within the years that a time can have. */
function startOf(day: string, days: number): string {
  const time = new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString();
  if (time.startsWith('-')) return '-infinity';
  return time.startsWith('+') ? 'infinity' : toSqlTime(time);
}

function byDay(left: object, right: object): number {
  const [a, b] = [(left as Row)['day'] as string, (right as Row)['day'] as string];
  return a < b ? 1 : a > b ? -1 : 0;
}

/** Of the configs of calls, by key. */
async function readModels(pool: pg.Pool, counts: readonly Row[]): Promise<Map<string, string>> {
  const keys = [...new Set(counts.flatMap((row) => (row['config'] as string | null) ?? []))];
  const { rows } = await pool.query<Row>(
    `SELECT key, left(model, 200) AS model FROM configs WHERE key = ANY($1::uuid[]) AND type = 'model'`,
    [keys],
  );
  return new Map(rows.map((row) => [row['key'] as string, (row['model'] as string | null) || 'unnamed']));
}
