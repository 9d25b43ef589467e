/**
 * Tables of the viewer that the index keeps besides words and filters: what a list is sorted by, and counts by day.
 *
 * `session_ranks` has one narrow row for each session, so that a list sorted by duration or cost reads an index and not
 * all summaries. `counted_logs` has what each log adds to `day_counts`; triggers add it and take it out again, so that
 * the counts are exact through updates and deletions. Durations of calls are counted in buckets, each 10 % longer than
 * the one before, from which percentiles are read.
 */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import { NO_DURATION, toBucket } from '../../duration-buckets.ts';
import { MAX_METADATA_CHARACTERS } from '../../rows/log-labels.ts';

const RANKS = `key, unixepoch(started_at, 'subsec'), unixepoch(updated_at, 'subsec'),
      max(0, ended_at - unixepoch(started_at, 'subsec')), coalesce(cost, -1)`;

export const LABELS_MIGRATION = `
  -- Lists are in the order of when something happened. Retention goes by when it arrived.
  CREATE INDEX session_summaries_by_end ON session_summaries (ended_at, key);
  CREATE INDEX IF NOT EXISTS session_facets_by_session ON session_facets (session_key, facet_key);
  -- A reference of the exporter begins with the trace: these logs are found by their reference.
  CREATE INDEX logs_by_trace ON logs (trace_id)
    WHERE trace_id IS NOT NULL AND (reference_id IS NULL OR substr(reference_id, 1, 33) <> trace_id || '-');

  -- What a list can be sorted by. A session without a cost is below those that cost nothing.
  CREATE TABLE session_ranks (
    key INTEGER PRIMARY KEY,
    started REAL NOT NULL,
    changed REAL NOT NULL,
    duration REAL NOT NULL,
    cost REAL NOT NULL
  );
  INSERT INTO session_ranks SELECT ${RANKS} FROM session_summaries;
  CREATE INDEX session_ranks_by_start ON session_ranks (started, key);
  CREATE INDEX session_ranks_by_change ON session_ranks (changed, key);
  CREATE INDEX session_ranks_by_duration ON session_ranks (duration, key);
  CREATE INDEX session_ranks_by_cost ON session_ranks (cost, key);
  CREATE TRIGGER viewer_session_delete AFTER DELETE ON session_summaries BEGIN
    DELETE FROM session_ranks WHERE key = OLD.key;
  END;

  CREATE TABLE day_counts (
    day TEXT NOT NULL,
    project_key INTEGER NOT NULL,
    model TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    logs INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    cost REAL NOT NULL,
    PRIMARY KEY (day, project_key, model, bucket)
  ) WITHOUT ROWID;
  CREATE TABLE counted_logs (
    key INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    project_key INTEGER NOT NULL,
    model TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    is_error INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost REAL
  );
  CREATE TRIGGER viewer_count_insert AFTER INSERT ON counted_logs BEGIN
    INSERT INTO day_counts VALUES (NEW.day, NEW.project_key, NEW.model, NEW.bucket, 1, NEW.is_error, NEW.prompt_tokens,
      NEW.output_tokens, NEW.cost IS NOT NULL, coalesce(NEW.cost, 0))
    ON CONFLICT DO UPDATE SET logs = logs + 1, errors = errors + excluded.errors,
      prompt_tokens = prompt_tokens + excluded.prompt_tokens, output_tokens = output_tokens + excluded.output_tokens,
      priced = priced + excluded.priced, cost = cost + excluded.cost;
  END;
  CREATE TRIGGER viewer_count_delete AFTER DELETE ON counted_logs BEGIN
    UPDATE day_counts SET logs = logs - 1, errors = errors - OLD.is_error,
      prompt_tokens = prompt_tokens - OLD.prompt_tokens, output_tokens = output_tokens - OLD.output_tokens,
      priced = priced - (OLD.cost IS NOT NULL), cost = cost - coalesce(OLD.cost, 0)
    WHERE day = OLD.day AND project_key = OLD.project_key AND model = OLD.model AND bucket = OLD.bucket;
    DELETE FROM day_counts WHERE logs = 0
      AND day = OLD.day AND project_key = OLD.project_key AND model = OLD.model AND bucket = OLD.bucket;
  END;
  CREATE TRIGGER viewer_counted_log_delete AFTER DELETE ON logs BEGIN
    DELETE FROM counted_logs WHERE key = OLD.key;
  END;

  -- The index takes out what is new here.
  INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE true ON CONFLICT DO NOTHING;
`;

export const METADATA = `CASE WHEN octet_length(logs.metadata) < ${MAX_METADATA_CHARACTERS} THEN logs.metadata END`;

/** What the index reads of a log for its labels and counts. */
export const LABEL_COLUMNS = `logs.environment, logs.source, logs.project_key, logs.duration, ${METADATA} AS metadata,
      logs.error IS NOT NULL AS is_error, CAST(logs.prompt_tokens AS REAL) AS prompt_tokens,
      CAST(logs.output_tokens AS REAL) AS output_tokens,
      coalesce(logs.prompt_cost + logs.output_cost, logs.prompt_cost, logs.output_cost) AS cost`;

export const LABEL_SQL = {
  writeRank: `INSERT OR REPLACE INTO session_ranks SELECT ${RANKS} FROM session_summaries WHERE key = ?`,
  /** Of the oldest values: a session may have hundreds of thousands that no list shows. */
  listLabels: `SELECT kind, value FROM (SELECT facet_key FROM session_facets WHERE session_key = ? LIMIT 500)
    JOIN facets ON facets.key = facet_key WHERE kind IN ('user', 'model', 'feedback') LIMIT 100`,
  findSessionByName: `SELECT id FROM sessions WHERE reference_id = ?`,
  findLogByName: `SELECT id FROM logs WHERE reference_id = ?`,
  /** `?2` is the trace if it can begin a reference, else null. */
  findLogInTrace: `SELECT id FROM logs WHERE reference_id >= ?2 || '-' AND reference_id < ?2 || '.'
    UNION ALL SELECT id FROM logs
      WHERE trace_id = ?1 AND trace_id IS NOT NULL
        AND (reference_id IS NULL OR substr(reference_id, 1, 33) <> trace_id || '-')
    LIMIT 1`,
  readMetadata: `SELECT ${METADATA} AS metadata FROM logs WHERE key = ?`,
} as const;

/** The row of `counted_logs`, from a row with `LABEL_COLUMNS` and `created_at`, and that of its config. */
export function toCount(key: SqliteValue, row: SqliteRow, config: SqliteRow): SqliteValue[] {
  const isCall = config['type'] === 'model';
  return [
    key,
    (row['created_at'] as string).slice(0, 10),
    row['project_key']!,
    isCall ? ((config['model'] as string | null) ?? '').slice(0, 200).toWellFormed() || 'unnamed' : '',
    isCall ? toBucket(row['duration'] as number | null) : NO_DURATION,
    row['is_error']!,
    row['prompt_tokens'] ?? 0,
    row['output_tokens'] ?? 0,
    row['cost']!,
  ];
}
