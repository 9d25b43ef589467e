/**
 * The schema of the SQLite store. Migrations go forward only: one that was released is never edited, a new one is
 * added.
 *
 * The file's number is its `user_version`, set in the same transaction as the change; the transaction takes the write
 * lock first, so that of two processes that start together one migrates and the other finds it done.
 */
import { explainSqliteError, type SqliteDatabase, SqliteError } from '../../../../sqlite/open.ts';
import { LABELS_MIGRATION } from '../viewer/viewer-labels.ts';
import { CALLS_MIGRATION, INGEST_MIGRATION } from './ingest-schema.ts';
import { MARKS_MIGRATION, UPDATE_TRIGGER, VIEWER_MIGRATION, WORDS_MIGRATION } from './viewer-schema.ts';
import { readNumber } from './write-ahead-log.ts';

/** `hlot` in ASCII. Distinguishes our files from those of other programs. */
const APPLICATION_ID = 0x686c6f74;

/** 64 MiB: about a second. */
const MAX_REWRITTEN_PAGES = 16 * 1024;

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE projects (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  );

  CREATE TABLE sessions (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reference_id TEXT UNIQUE,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  );

  -- Which projects a session touches: sessions are listed by project, newest first, without reading logs.
  CREATE TABLE session_projects (
    project_key INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    PRIMARY KEY (project_key, session_key)
  ) WITHOUT ROWID;
  CREATE INDEX session_projects_by_session ON session_projects (session_key);

  -- One row for each distinct content in a project; digest is the SHA-256 of the content with its keys sorted.
  CREATE TABLE configs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    project_key INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    digest BLOB NOT NULL,
    type TEXT NOT NULL,
    model TEXT,
    content TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_used TEXT NOT NULL,
    UNIQUE (project_key, digest)
  );

  -- parent_reference_id is what the client named; parent_key is set once that log exists. JSON columns: inputs,
  -- messages, metadata, judgment, output_message, provider_request, provider_response. save = 0 keeps no content.
  CREATE TABLE logs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reference_id TEXT UNIQUE,
    project_key INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    session_key INTEGER REFERENCES sessions ON DELETE SET NULL,
    config_key INTEGER REFERENCES configs,
    parent_key INTEGER REFERENCES logs ON DELETE SET NULL,
    parent_reference_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    save INTEGER NOT NULL,
    source TEXT,
    environment TEXT,
    trial_id TEXT,
    source_datapoint_id TEXT,
    output TEXT,
    error TEXT,
    duration REAL,
    prompt_tokens INTEGER,
    output_tokens INTEGER,
    prompt_cost REAL,
    output_cost REAL,
    judgment TEXT,
    metadata TEXT,
    inputs TEXT,
    messages TEXT,
    output_message TEXT,
    stdout TEXT,
    provider_request TEXT,
    provider_response TEXT
  );
  CREATE INDEX logs_by_project ON logs (project_key, created_at, key);
  CREATE INDEX logs_by_session ON logs (session_key, created_at, key) WHERE session_key IS NOT NULL;
  CREATE INDEX logs_by_parent ON logs (parent_key) WHERE parent_key IS NOT NULL;
  CREATE INDEX logs_waiting_for_parent ON logs (parent_reference_id)
    WHERE parent_key IS NULL AND parent_reference_id IS NOT NULL;

  CREATE TABLE feedback (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    log_key INTEGER NOT NULL REFERENCES logs ON DELETE CASCADE,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    user TEXT,
    created_at TEXT NOT NULL
  );
  CREATE INDEX feedback_by_log ON feedback (log_key, type, created_at);
  `,
  VIEWER_MIGRATION,
  `
  -- What the viewer shows of these documents, taken out when they are written. SQLite's own JSON functions fail for
  -- a document that is nested deeper than 1,000 levels: one such log must not make the others unreadable.
  ALTER TABLE configs ADD COLUMN label TEXT;
  ALTER TABLE logs ADD COLUMN trace_id TEXT;
  ALTER TABLE logs ADD COLUMN called TEXT;
  UPDATE configs SET label = substr(coalesce(content ->> 'name', content ->> 'agent_class'), 1, 500)
    WHERE json_valid(content);
  DROP TRIGGER viewer_log_update;
  -- A reference of 49 characters is the exporter's, and has the trace in it.
  UPDATE logs SET trace_id = substr(metadata ->> 'trace_id', 1, 500)
    WHERE metadata IS NOT NULL AND length(coalesce(reference_id, '')) <> 49 AND json_valid(metadata);
  UPDATE logs SET called = substr(output_message ->> '$.tool_calls[0].function.name', 1, 500)
    WHERE output IS NULL AND output_message IS NOT NULL AND json_valid(output_message);
  ${UPDATE_TRIGGER}

  -- Logs that the viewer's index has passed over, because of what is in them.
  CREATE TABLE unsearchable_logs (key INTEGER PRIMARY KEY REFERENCES logs ON DELETE CASCADE, fault TEXT NOT NULL);
  `,
  `
  -- The store adds up new logs itself, once for all logs of a request.
  DROP TRIGGER viewer_log_insert;

  -- Each message is in the index once in a session. All logs of a session have one word in the second column. The
  -- sixth version marks all logs, which are indexed again.
  DROP TABLE logs_search;
  CREATE VIRTUAL TABLE logs_search USING fts5(
    text, session, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
  );
  -- Fewer and larger merges.
  INSERT INTO logs_search (logs_search, rank) VALUES ('automerge', 8);
  `,
  `
  -- Finds whether a config is still used, when a log that had it is deleted.
  CREATE INDEX logs_by_config ON logs (config_key) WHERE config_key IS NOT NULL;

  -- The search index would write a part of itself again in the middle of a deletion, which takes some 100 ms each time.
  INSERT INTO logs_search (logs_search, rank) VALUES ('deletemerge', 0);

  -- One row while traces of what was deleted are in the file: when they must go, in milliseconds, and how much was
  -- deleted, which tells whether there was more meanwhile.
  CREATE TABLE erasure_due (
    key INTEGER PRIMARY KEY CHECK (key = 1), due_at INTEGER NOT NULL, deletions INTEGER NOT NULL
  );
  `,
  LABELS_MIGRATION,
  `
  ALTER TABLE projects ADD COLUMN active_config_key INTEGER REFERENCES configs ON DELETE SET NULL;
  CREATE INDEX projects_by_active_config ON projects (active_config_key) WHERE active_config_key IS NOT NULL;
  -- One that was registered for its project stays there when the logs that had it are deleted.
  ALTER TABLE configs ADD COLUMN is_registered INTEGER NOT NULL DEFAULT 0;

  -- Types of feedback that were defined for a project. labels is JSON: values with their sentiments.
  CREATE TABLE feedback_types (
    key INTEGER PRIMARY KEY,
    project_key INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    type TEXT NOT NULL,
    class TEXT NOT NULL,
    labels TEXT NOT NULL,
    UNIQUE (project_key, type)
  );
  `,
  INGEST_MIGRATION,
  CALLS_MIGRATION,
  `
  -- Segments of the search index are merged between the writes, in short steps. The engine itself would merge as much
  -- at once as the index has levels, of which each erasure adds one.
  INSERT INTO logs_search (logs_search, rank) VALUES ('automerge', 0);
  INSERT INTO logs_search (logs_search, rank) VALUES ('crisismerge', 256);
  INSERT INTO logs_search (logs_search, rank) VALUES ('usermerge', 8);

  -- When the index has to look at the session, in milliseconds: not while its logs are being deleted, slice by slice.
  CREATE TABLE marked_before AS SELECT key FROM unindexed_sessions;
  DROP TABLE unindexed_sessions;
  CREATE TABLE unindexed_sessions (
    key INTEGER PRIMARY KEY,
    due_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
  );
  CREATE INDEX unindexed_sessions_by_due ON unindexed_sessions (due_at);
  INSERT INTO unindexed_sessions (key) SELECT key FROM marked_before;
  DROP TABLE marked_before;
  `,
  MARKS_MIGRATION,
  `
  -- Transactions that have deleted something since the file was last written again as a whole.
  CREATE TABLE compaction_due (key INTEGER PRIMARY KEY CHECK (key = 1), deletions INTEGER NOT NULL);
  `,
  `
  -- Larger merges, and fewer of them: words are written again less often. The words of one transaction are one segment:
  -- those of a slice of the index are longer than the engine would keep in memory.
  INSERT INTO logs_search (logs_search, rank) VALUES ('usermerge', 16);
  INSERT INTO logs_search (logs_search, rank) VALUES ('hashsize', 8388608);
  `,
  WORDS_MIGRATION,
];

/** Prepares an open file for use: settings, then the migrations that it lacks. Throws a `SqliteError`. */
export function migrateSqlite(database: SqliteDatabase, file: string): void {
  try {
    checkIdentity(database, file, true);
    // Free pages are given back to the disk. It counts only where no table is there yet: other files need `compact`.
    if (readNumber(database, 'auto_vacuum') === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('PRAGMA journal_mode = WAL');
    // What is deleted is overwritten, in pages that go on being used and in those that become free.
    database.exec('PRAGMA secure_delete = ON');
    // FULL: every commit waits for the disk. NORMAL would lose acknowledged logs in a power cut, but for those who wait
    // themselves (log-sync.ts).
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = ON');
    // References are scattered over their index: with the default of 2 MB, a large file's pages are read repeatedly.
    database.exec('PRAGMA cache_size = -64000');
    // One that is as it should be is not written to: another process may have its lock, and the disk may be full.
    if (readNumber(database, 'user_version') !== MIGRATIONS.length) runMigrations(database, file);
    giveFreePagesBack(database);
    // What savepoints could bring back would go through a file elsewhere on the disk: slowly, and with what is deleted.
    database.exec('PRAGMA temp_store = MEMORY');
  } catch (error) {
    throw explainSqliteError(error, file);
  }
}

function runMigrations(database: SqliteDatabase, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    checkVersion(database, file);
    const version = readNumber(database, 'user_version');
    for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Throws a `SqliteError` for the file of another program, or of a newer version. `mayBeEmpty`: a new one is ours. */
export function checkIdentity(database: SqliteDatabase, file: string, mayBeEmpty = false): void {
  const identity = readNumber(database, 'application_id');
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!['count'];
  if (identity !== APPLICATION_ID && (identity !== 0 || tables !== 0 || !mayBeEmpty)) {
    throw new SqliteError('foreign', file, `${file} is a SQLite database of another program: use another file`);
  }
  checkVersion(database, file);
}

function checkVersion(database: SqliteDatabase, file: string): void {
  const version = readNumber(database, 'user_version');
  if (version <= MIGRATIONS.length) return;
  const message = `${file} was written by a newer humanloop-otel (schema ${version}, this one knows ${MIGRATIONS.length}): update the package`;
  throw new SqliteError('foreign', file, message);
}

/** A small file that was made without `auto_vacuum` is written again; a large one only by `humanloop-otel compact`. */
function giveFreePagesBack(database: SqliteDatabase): void {
  if (readNumber(database, 'auto_vacuum') !== 0 || readNumber(database, 'page_count') > MAX_REWRITTEN_PAGES) return;
  try {
    database.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
  } catch {
    // Another process uses it, or the disk is full: at the next start.
  }
}
