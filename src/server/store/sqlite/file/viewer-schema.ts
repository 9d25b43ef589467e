/**
 * The tables that the viewer lists, derived from the logs. Those that it searches are in search-file.ts.
 *
 * The sums are kept in the transaction of the write: of new logs by the store, once for all logs of a request
 * (added-logs.ts), of logs that change or go by triggers. Texts, filters and the search index cost more: the log is
 * only marked (`unindexed_logs`), and the work is done between turns (viewer-index.ts). The marks are in the file, so
 * nothing is missed if the process dies first. `VIEWER_MIGRATION` is the second version of the schema; migrations.ts
 * has the rest.
 *
 * Two expressions come up again and again. `coalesce(session_key, CASE WHEN parent_key IS NULL THEN -key END)` is the
 * key of the summary that a log counts in: that of its session or, for a log in no session and below no other log,
 * minus its own. `duration IS NULL AND output IS NULL AND error IS NULL` means that a log is running, here in the sums
 * and in viewer-statements.ts for a single log.
 */

import { MARK_AGAIN, MARK_LOGS, NEW_MARK } from '../viewer/marks.ts';

/** Counts a changed log out of its old summary and into its new one. */
export const UPDATE_TRIGGER = `
  CREATE TRIGGER viewer_log_update AFTER UPDATE ON logs BEGIN
    UPDATE session_summaries SET
      logs_count = logs_count - 1,
      errors_count = errors_count - (OLD.error IS NOT NULL),
      running_count = running_count - (OLD.duration IS NULL AND OLD.output IS NULL AND OLD.error IS NULL),
      prompt_tokens = prompt_tokens - coalesce(OLD.prompt_tokens, 0),
      output_tokens = output_tokens - coalesce(OLD.output_tokens, 0),
      cost = cost - coalesce(coalesce(OLD.prompt_cost + OLD.output_cost, OLD.prompt_cost, OLD.output_cost), 0)
    WHERE key = coalesce(OLD.session_key, CASE WHEN OLD.parent_key IS NULL THEN -OLD.key END);
    INSERT INTO session_summaries
      (key, logs_count, errors_count, running_count, prompt_tokens, output_tokens, cost, started_at, ended_at, updated_at)
    SELECT
      coalesce(NEW.session_key, CASE WHEN NEW.parent_key IS NULL THEN -NEW.key END),
      1,
      NEW.error IS NOT NULL,
      (NEW.duration IS NULL AND NEW.output IS NULL AND NEW.error IS NULL),
      NEW.prompt_tokens,
      NEW.output_tokens,
      coalesce(NEW.prompt_cost + NEW.output_cost, NEW.prompt_cost, NEW.output_cost),
      NEW.created_at,
      unixepoch(NEW.created_at, 'subsec') + coalesce(NEW.duration, 0),
      NEW.updated_at
    WHERE coalesce(NEW.session_key, CASE WHEN NEW.parent_key IS NULL THEN -NEW.key END) IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET
      logs_count = logs_count + 1,
      errors_count = errors_count + excluded.errors_count,
      running_count = running_count + excluded.running_count,
      prompt_tokens = coalesce(prompt_tokens + excluded.prompt_tokens, prompt_tokens, excluded.prompt_tokens),
      output_tokens = coalesce(output_tokens + excluded.output_tokens, output_tokens, excluded.output_tokens),
      cost = coalesce(cost + excluded.cost, cost, excluded.cost),
      started_at = min(started_at, excluded.started_at),
      ended_at = max(ended_at, excluded.ended_at),
      updated_at = max(updated_at, excluded.updated_at);
    DELETE FROM session_summaries
    WHERE key = coalesce(OLD.session_key, CASE WHEN OLD.parent_key IS NULL THEN -OLD.key END) AND logs_count = 0;
    INSERT INTO unindexed_logs (key) VALUES (NEW.key) ON CONFLICT DO NOTHING;
  END;`;

/** Counts a deleted log out of its summary. */
const DELETE_TRIGGER = `
  CREATE TRIGGER viewer_log_delete AFTER DELETE ON logs BEGIN
    UPDATE session_summaries SET
      logs_count = logs_count - 1,
      errors_count = errors_count - (OLD.error IS NOT NULL),
      running_count = running_count - (OLD.duration IS NULL AND OLD.output IS NULL AND OLD.error IS NULL),
      prompt_tokens = prompt_tokens - coalesce(OLD.prompt_tokens, 0),
      output_tokens = output_tokens - coalesce(OLD.output_tokens, 0),
      cost = cost - coalesce(coalesce(OLD.prompt_cost + OLD.output_cost, OLD.prompt_cost, OLD.output_cost), 0)
    WHERE key = coalesce(OLD.session_key, CASE WHEN OLD.parent_key IS NULL THEN -OLD.key END);
    DELETE FROM session_summaries
    WHERE key = coalesce(OLD.session_key, CASE WHEN OLD.parent_key IS NULL THEN -OLD.key END) AND logs_count = 0;
    DELETE FROM unindexed_logs WHERE key = OLD.key;
    DELETE FROM logs_search WHERE rowid = OLD.key;
    INSERT INTO unindexed_sessions (key)
    SELECT coalesce(OLD.session_key, CASE WHEN OLD.parent_key IS NULL THEN -OLD.key END)
    WHERE coalesce(OLD.session_key, CASE WHEN OLD.parent_key IS NULL THEN -OLD.key END) IS NOT NULL
    ON CONFLICT DO NOTHING;
  END;`;

export const VIEWER_MIGRATION = `
  CREATE TABLE session_summaries (
    key INTEGER PRIMARY KEY,
    logs_count INTEGER NOT NULL,
    errors_count INTEGER NOT NULL,
    running_count INTEGER NOT NULL,
    prompt_tokens INTEGER,
    output_tokens INTEGER,
    cost REAL,
    started_at TEXT NOT NULL,
    ended_at REAL NOT NULL,
    updated_at TEXT NOT NULL,
    first_input TEXT,
    first_input_rank TEXT,
    last_output TEXT,
    last_output_rank TEXT,
    last_is_error INTEGER
  );
  CREATE INDEX session_summaries_by_update ON session_summaries (updated_at, key);

  CREATE TABLE facets (
    key INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (kind, value)
  );
  CREATE TABLE session_facets (
    facet_key INTEGER NOT NULL,
    session_key INTEGER NOT NULL,
    PRIMARY KEY (facet_key, session_key)
  ) WITHOUT ROWID;

  CREATE VIRTUAL TABLE logs_search USING fts5(
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
  );
  CREATE TABLE unindexed_logs (key INTEGER PRIMARY KEY);
  CREATE TABLE unindexed_sessions (key INTEGER PRIMARY KEY);

  -- The logs that are there already. From here on the triggers do the same for each log.
  INSERT INTO session_summaries
    (key, logs_count, errors_count, running_count, prompt_tokens, output_tokens, cost, started_at, ended_at, updated_at)
  SELECT
    coalesce(session_key, -key),
    1,
    logs.error IS NOT NULL,
    (logs.duration IS NULL AND logs.output IS NULL AND logs.error IS NULL),
    logs.prompt_tokens,
    logs.output_tokens,
    coalesce(logs.prompt_cost + logs.output_cost, logs.prompt_cost, logs.output_cost),
    logs.created_at,
    unixepoch(logs.created_at, 'subsec') + coalesce(logs.duration, 0),
    logs.updated_at
  FROM logs WHERE session_key IS NOT NULL OR parent_key IS NULL
  ON CONFLICT (key) DO UPDATE SET
    logs_count = logs_count + 1,
    errors_count = errors_count + excluded.errors_count,
    running_count = running_count + excluded.running_count,
    prompt_tokens = coalesce(prompt_tokens + excluded.prompt_tokens, prompt_tokens, excluded.prompt_tokens),
    output_tokens = coalesce(output_tokens + excluded.output_tokens, output_tokens, excluded.output_tokens),
    cost = coalesce(cost + excluded.cost, cost, excluded.cost),
    started_at = min(started_at, excluded.started_at),
    ended_at = max(ended_at, excluded.ended_at),
    updated_at = max(updated_at, excluded.updated_at);
  INSERT INTO unindexed_logs (key) SELECT key FROM logs;

  CREATE TRIGGER viewer_log_insert AFTER INSERT ON logs BEGIN
    INSERT INTO session_summaries
      (key, logs_count, errors_count, running_count, prompt_tokens, output_tokens, cost, started_at, ended_at, updated_at)
    SELECT
      coalesce(NEW.session_key, CASE WHEN NEW.parent_key IS NULL THEN -NEW.key END),
      1,
      NEW.error IS NOT NULL,
      (NEW.duration IS NULL AND NEW.output IS NULL AND NEW.error IS NULL),
      NEW.prompt_tokens,
      NEW.output_tokens,
      coalesce(NEW.prompt_cost + NEW.output_cost, NEW.prompt_cost, NEW.output_cost),
      NEW.created_at,
      unixepoch(NEW.created_at, 'subsec') + coalesce(NEW.duration, 0),
      NEW.updated_at
    WHERE coalesce(NEW.session_key, CASE WHEN NEW.parent_key IS NULL THEN -NEW.key END) IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET
      logs_count = logs_count + 1,
      errors_count = errors_count + excluded.errors_count,
      running_count = running_count + excluded.running_count,
      prompt_tokens = coalesce(prompt_tokens + excluded.prompt_tokens, prompt_tokens, excluded.prompt_tokens),
      output_tokens = coalesce(output_tokens + excluded.output_tokens, output_tokens, excluded.output_tokens),
      cost = coalesce(cost + excluded.cost, cost, excluded.cost),
      started_at = min(started_at, excluded.started_at),
      ended_at = max(ended_at, excluded.ended_at),
      updated_at = max(updated_at, excluded.updated_at);
    INSERT INTO unindexed_logs (key) VALUES (NEW.key) ON CONFLICT DO NOTHING;
  END;

  ${UPDATE_TRIGGER}

  ${DELETE_TRIGGER}

  CREATE TRIGGER viewer_feedback_insert AFTER INSERT ON feedback BEGIN
    INSERT INTO unindexed_logs (key) VALUES (NEW.log_key) ON CONFLICT DO NOTHING;
  END;

  CREATE TRIGGER viewer_feedback_delete AFTER DELETE ON feedback BEGIN
    INSERT INTO unindexed_sessions (key)
    SELECT coalesce(session_key, -key) FROM logs WHERE key = OLD.log_key ON CONFLICT DO NOTHING;
  END;
`;

const MARK_WITHOUT_NUMBER = 'INSERT INTO unindexed_logs (key) VALUES (NEW.key) ON CONFLICT DO NOTHING';

/**
 * One row says which slice of the index was the last one: so each process knows whether others have indexed since its
 * own.
 */
export const MARKS_MIGRATION = `
  ALTER TABLE unindexed_logs ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE last_index_slice (key INTEGER PRIMARY KEY CHECK (key = 1), slice TEXT NOT NULL);
  INSERT INTO last_index_slice (key, slice) VALUES (1, '');

  DROP TRIGGER viewer_log_update;
  ${UPDATE_TRIGGER.replace(MARK_WITHOUT_NUMBER, `${MARK_LOGS} VALUES (NEW.key, ${NEW_MARK}) ${MARK_AGAIN}`)}
  DROP TRIGGER viewer_feedback_insert;
  CREATE TRIGGER viewer_feedback_insert AFTER INSERT ON feedback BEGIN
    ${MARK_LOGS} VALUES (NEW.log_key, ${NEW_MARK}) ${MARK_AGAIN};
  END;
  DROP TRIGGER viewer_feedback_delete;
  CREATE TRIGGER viewer_feedback_delete AFTER DELETE ON feedback BEGIN
    INSERT INTO unindexed_sessions (key)
    SELECT coalesce(session_key, -key) FROM logs WHERE key = OLD.log_key ON CONFLICT DO NOTHING;
    ${MARK_LOGS} SELECT key, ${NEW_MARK} FROM logs WHERE key = OLD.log_key ${MARK_AGAIN};
  END;
`;

const CLEAR_WORDS = 'DELETE FROM logs_search WHERE rowid = OLD.key';

/**
 * Words are in a file of their own, which is made when the store is opened (search-file.ts). Those of deleted logs are
 * erased by the index: `seq` is another one each time. `words` is the last slice of that file that has its marks here.
 * The pages that they had are given back as those of deleted logs are.
 */
export const WORDS_MIGRATION = `
  DROP TRIGGER viewer_log_delete;
  DROP TABLE logs_search;
  CREATE TABLE forgotten_logs (seq INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL UNIQUE);
  ALTER TABLE last_index_slice ADD COLUMN words TEXT;
  INSERT INTO erasure_due (key, due_at, deletions) SELECT 1, 0, 1 WHERE EXISTS (SELECT 1 FROM logs)
    ON CONFLICT DO UPDATE SET due_at = 0, deletions = deletions + 1;
  ${DELETE_TRIGGER.replace(CLEAR_WORDS, 'INSERT OR REPLACE INTO forgotten_logs (key) VALUES (OLD.key)')}
`;
