/**
 * What the viewer lists and searches, derived from the logs.
 *
 * Sums are kept by triggers, in the transaction of the write and in constant time. Texts, filters and the search index
 * cost more: a trigger only marks the log (`unindexed_logs`), and the work is done between turns (sqlite-viewer-index.ts).
 * The marks are in the file, so nothing is missed if the process dies before.
 *
 * A summary's key is that of its session or, for a log that is in no session and under no other log, minus the log's.
 */
const groupOf = (row: 'OLD' | 'NEW') =>
  `coalesce(${row}.session_key, CASE WHEN ${row}.parent_key IS NULL THEN -${row}.key END)`;

/** A log without duration, output and error is still at work. */
const isRunning = (row: string) => `(${row}.duration IS NULL AND ${row}.output IS NULL AND ${row}.error IS NULL)`;
const costOf = (row: string) =>
  `coalesce(${row}.prompt_cost + ${row}.output_cost, ${row}.prompt_cost, ${row}.output_cost)`;
const endOf = (row: string) => `unixepoch(${row}.created_at, 'subsec') + coalesce(${row}.duration, 0)`;
const sum = (left: string, right: string) => `coalesce(${left} + ${right}, ${left}, ${right})`;

const add = (row: string, group: string, from: string) => `
  INSERT INTO session_summaries
    (key, logs_count, errors_count, running_count, prompt_tokens, output_tokens, cost, started_at, ended_at, updated_at)
  SELECT ${group}, 1, ${row}.error IS NOT NULL, ${isRunning(row)}, ${row}.prompt_tokens, ${row}.output_tokens,
    ${costOf(row)}, ${row}.created_at, ${endOf(row)}, ${row}.updated_at ${from}
  ON CONFLICT (key) DO UPDATE SET
    logs_count = logs_count + 1,
    errors_count = errors_count + excluded.errors_count,
    running_count = running_count + excluded.running_count,
    prompt_tokens = ${sum('prompt_tokens', 'excluded.prompt_tokens')},
    output_tokens = ${sum('output_tokens', 'excluded.output_tokens')},
    cost = ${sum('cost', 'excluded.cost')},
    started_at = min(started_at, excluded.started_at),
    ended_at = max(ended_at, excluded.ended_at),
    updated_at = max(updated_at, excluded.updated_at);`;

const subtractOld = `
  UPDATE session_summaries SET
    logs_count = logs_count - 1,
    errors_count = errors_count - (OLD.error IS NOT NULL),
    running_count = running_count - ${isRunning('OLD')},
    prompt_tokens = prompt_tokens - coalesce(OLD.prompt_tokens, 0),
    output_tokens = output_tokens - coalesce(OLD.output_tokens, 0),
    cost = cost - coalesce(${costOf('OLD')}, 0)
  WHERE key = ${groupOf('OLD')};`;

const deleteIfEmpty = `DELETE FROM session_summaries WHERE key = ${groupOf('OLD')} AND logs_count = 0;`;
const mark = (key: string) => `INSERT INTO unindexed_logs (key) VALUES (${key}) ON CONFLICT DO NOTHING;`;
const markSession = (group: string, from = '') =>
  `INSERT INTO unindexed_sessions (key) SELECT ${group} ${from} WHERE ${group} IS NOT NULL ON CONFLICT DO NOTHING;`;

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

  ${add('logs', 'coalesce(session_key, -key)', 'FROM logs WHERE session_key IS NOT NULL OR parent_key IS NULL')}
  INSERT INTO unindexed_logs (key) SELECT key FROM logs;

  CREATE TRIGGER viewer_log_insert AFTER INSERT ON logs BEGIN
    ${add('NEW', groupOf('NEW'), `WHERE ${groupOf('NEW')} IS NOT NULL`)}
    ${mark('NEW.key')}
  END;

  CREATE TRIGGER viewer_log_update AFTER UPDATE ON logs BEGIN
    ${subtractOld}
    ${add('NEW', groupOf('NEW'), `WHERE ${groupOf('NEW')} IS NOT NULL`)}
    ${deleteIfEmpty}
    ${mark('NEW.key')}
  END;

  CREATE TRIGGER viewer_log_delete AFTER DELETE ON logs BEGIN
    ${subtractOld}
    ${deleteIfEmpty}
    DELETE FROM unindexed_logs WHERE key = OLD.key;
    DELETE FROM logs_search WHERE rowid = OLD.key;
    ${markSession(groupOf('OLD'))}
  END;

  CREATE TRIGGER viewer_feedback_insert AFTER INSERT ON feedback BEGIN
    ${mark('NEW.log_key')}
  END;

  CREATE TRIGGER viewer_feedback_delete AFTER DELETE ON feedback BEGIN
    INSERT INTO unindexed_sessions (key)
    SELECT coalesce(session_key, -key) FROM logs WHERE key = OLD.log_key ON CONFLICT DO NOTHING;
  END;
`;
