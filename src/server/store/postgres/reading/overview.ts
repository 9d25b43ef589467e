/** Counts of days and models, made from the logs when they are asked for. */
import type pg from 'pg';
import { fromBucket, LONGEST_SECONDS, NO_DURATION, SHORTEST_SECONDS } from '../../duration-buckets.ts';
import { storableText } from '../../storable-text.ts';
import { costOf, MAX_MODELS, OTHER_MODELS } from '../../viewer-rows.ts';
import type { Overview, OverviewModel, OverviewQuery } from '../../viewer-store.ts';
import type { Catalog } from '../tables/catalog.ts';
import { type Row, toSqlTime } from '../tables/connection.ts';

/** The same buckets as `toBucket` makes. */
const BUCKET = `CASE WHEN duration IS NULL THEN ${NO_DURATION} ELSE
  round(ln(least(greatest(duration, ${SHORTEST_SECONDS}), ${LONGEST_SECONDS}) / ${SHORTEST_SECONDS}) / ln(1.1::float8)) END`;

/** Groups of an overview: all logs of a day, each model of a day, and each model of all days. */
const [OF_DAY, OF_MODEL, OF_ALL] = [0, 1, 2] as const;

const SUMS = ['logs', 'errors', 'prompt_tokens', 'output_tokens', 'priced', 'cost']
  .map((name) => `sum(${name}) AS ${name}`)
  .join(', ');

/** The first bucket by which that share of the calls has been counted that have a duration. */
const percentile = (share: number) =>
  `min(bucket) FILTER (WHERE bucket <> ${NO_DURATION} AND passed >= ${share}::float8 * timed)`;

/**
 * The answer has a row for each group and no more, whatever there is of configs and durations. The logs are read once, and
 * each part by itself: a distributed table is joined neither with what is grouped nor as the outer side.
 */
const toSql = (condition: string) => `WITH counts AS MATERIALIZED (
    SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, config, ${BUCKET} AS bucket,
      count(*) AS logs, count(error) AS errors, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
      coalesce(sum(output_tokens), 0) AS output_tokens, count(coalesce(prompt_cost, output_cost)) AS priced,
      coalesce(sum(coalesce(prompt_cost + output_cost, prompt_cost, output_cost)), 0) AS cost
    FROM logs WHERE created_at >= $1::timestamptz AND created_at < $2::timestamptz ${condition} GROUP BY 1, 2, 3),
  models AS MATERIALIZED (
    SELECT key, coalesce(nullif(left(model, 200), ''), 'unnamed') AS model
    FROM configs WHERE type = 'model' AND key IN (SELECT config FROM counts)),
  called AS MATERIALIZED (
    SELECT counts.*, models.model FROM counts LEFT JOIN models ON models.key = counts.config),
  most AS MATERIALIZED (
    SELECT model FROM called WHERE model IS NOT NULL GROUP BY 1 ORDER BY sum(logs) DESC, model COLLATE "C"
    LIMIT ${MAX_MODELS}),
  grouped AS MATERIALIZED (
    SELECT kind, CASE WHEN kind <> ${OF_ALL} THEN day END AS day,
      CASE WHEN kind = ${OF_DAY} THEN NULL WHEN model IN (SELECT model FROM most) THEN model
        ELSE '${OTHER_MODELS}' END AS model,
      CASE WHEN model IS NULL THEN ${NO_DURATION} ELSE bucket END AS bucket, ${SUMS}
    FROM called, (VALUES (${OF_DAY}), (${OF_MODEL}), (${OF_ALL})) AS kinds (kind)
    WHERE kind = ${OF_DAY} OR model IS NOT NULL GROUP BY 1, 2, 3, 4),
  ranked AS MATERIALIZED (
    SELECT *, sum(logs) FILTER (WHERE bucket <> ${NO_DURATION}) OVER (own ORDER BY bucket) AS passed,
      sum(logs) FILTER (WHERE bucket <> ${NO_DURATION}) OVER own AS timed
    FROM grouped WINDOW own AS (PARTITION BY kind, day, model))
  SELECT kind, day, model, ${SUMS}, ${percentile(0.5)} AS p50, ${percentile(0.95)} AS p95
  FROM ranked GROUP BY 1, 2, 3 ORDER BY kind, day DESC, sum(logs) DESC, model COLLATE "C"`;

export async function readOverview(
  pool: pg.Pool,
  catalog: Catalog,
  { days, until, project }: OverviewQuery,
): Promise<Overview> {
  const found = project === undefined ? undefined : await catalog.lookUpProject({ name: storableText(project) });
  if (project !== undefined && !found) return { days: [], models: [] };
  const last = until.slice(0, 10);
  const values = [startOf(last, 1 - days), startOf(last, 1)];
  const { rows } = found
    ? await pool.query<Row>(toSql('AND project = $3'), [...values, found.key])
    : await pool.query<Row>(toSql(''), values);
  const overview: Overview = { days: [], models: [] };
  const ofDays = new Map<unknown, OverviewModel[]>();
  for (const row of rows) {
    if (row['kind'] === OF_DAY) {
      const [day, models] = [row['day'] as string, [] as OverviewModel[]];
      ofDays.set(day, models);
      overview.days.push({ day, logs: Number(row['logs']), errors: Number(row['errors']), models, ...figuresOf(row) });
    } else {
      const models = row['kind'] === OF_ALL ? overview.models : ofDays.get(row['day'])!;
      models.push(toModel(row));
    }
  }
  return overview;
}

function toModel(row: Row): OverviewModel {
  return {
    model: row['model'] as string,
    calls: Number(row['logs']),
    errors: Number(row['errors']),
    prompt_tokens: Number(row['prompt_tokens']),
    output_tokens: Number(row['output_tokens']),
    ...figuresOf(row),
  };
}

function figuresOf(row: Row): Pick<OverviewModel, 'cost' | 'p50' | 'p95'> {
  const [p50, p95] = [row['p50'], row['p95']].map((bucket) =>
    bucket === null ? undefined : fromBucket(Number(bucket)),
  );
  return { ...costOf([row]), ...(p50 !== undefined && { p50 }), ...(p95 !== undefined && { p95 }) };
}

/** The start of the day so many days later, within the years that a time can have. */
function startOf(day: string, days: number): string {
  const time = new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString();
  if (time.startsWith('-')) return '-infinity';
  return time.startsWith('+') ? 'infinity' : toSqlTime(time);
}
