/**
 * What is read from the SQLite file that is moved. No other process can use the file meanwhile, so that all reads
 * together see one state of it.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSqliteError, type SqliteRow, type SqliteValue } from '../../../sqlite/open.ts';
import { prepareAll } from '../../../sqlite/statement-cache.ts';
import { GIVEN_COLUMNS } from '../rows/log-row.ts';
import { openAlone } from '../sqlite/copies.ts';
import { checkIdentity, migrateSqlite } from '../sqlite/file/migrations.ts';

/** Logs of one transaction of the target, as far as their texts are not too long together. */
const MAX_LOGS = 400;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_ROWS = 2_000;
/** A tree can be as deep as it likes: above this, the log counts as the one at the top. */
const MAX_CLIMBED = 100_000;

const SQL = {
  countLogs: 'SELECT count(*) AS count FROM logs',
  countSessions: 'SELECT count(*) AS count FROM sessions',
  countFeedback: 'SELECT count(*) AS count FROM feedback',
  countConfigs: 'SELECT count(*) AS count FROM configs',
  countProjects: 'SELECT count(*) AS count FROM projects',
  countTraces: 'SELECT count(*) AS count FROM traces',
  countSessionsUpTo: 'SELECT count(*) AS count FROM sessions WHERE key <= ?',
  countLogsUpTo: 'SELECT count(*) AS count FROM logs WHERE key <= ?',

  listProjects: `SELECT projects.*, configs.id AS active_config_id,
      (SELECT type FROM configs WHERE project_key = projects.key ORDER BY key LIMIT 1) AS config_type
    FROM projects LEFT JOIN configs ON configs.key = active_config_key
    WHERE projects.key > ? ORDER BY projects.key LIMIT ${MAX_ROWS}`,
  listFeedbackTypes: 'SELECT type, class, labels FROM feedback_types WHERE project_key = ? ORDER BY key',
  listGivenFeedback: `SELECT DISTINCT feedback.type AS type FROM feedback JOIN logs ON logs.key = log_key
    WHERE project_key = ? ORDER BY 1 LIMIT 500`,
  listConfigs: `SELECT configs.*, projects.id AS project_id FROM configs JOIN projects ON projects.key = project_key
    WHERE configs.key > ? ORDER BY configs.key LIMIT 200`,
  listSessions: `SELECT * FROM sessions WHERE key > ? ORDER BY key LIMIT ${MAX_ROWS}`,

  measureLogs: `SELECT key, ${GIVEN_COLUMNS.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ')} AS bytes
    FROM logs WHERE key > ? ORDER BY key LIMIT ${MAX_LOGS}`,
  /** named_key: the log of that reference, which is no parent where the link would close a circle. */
  listLogs: `SELECT logs.*, projects.id AS project_id, sessions.id AS session_id,
      sessions.reference_id AS session_reference_id, sessions.created_at AS session_created_at,
      configs.id AS config_id, configs.type AS config_type, configs.model AS config_model,
      configs.label AS config_label, parent.id AS parent_id, parent.updated_at AS parent_updated_at,
      (SELECT named.key FROM logs AS named WHERE named.reference_id = logs.parent_reference_id) AS named_key
    FROM logs JOIN projects ON projects.key = logs.project_key
    LEFT JOIN sessions ON sessions.key = logs.session_key
    LEFT JOIN configs ON configs.key = logs.config_key
    LEFT JOIN logs AS parent ON parent.key = logs.parent_key
    WHERE logs.key > ? AND logs.key <= ? ORDER BY logs.key`,
  listFeedback: 'SELECT * FROM feedback WHERE log_key = ? ORDER BY key',
  /** The nearest log in a session, from this one upwards, else the one at the top. */
  findTop: `WITH RECURSIVE above (key, parent_key, session_key, depth) AS (
      SELECT key, parent_key, session_key, 0 FROM logs WHERE key = ?
      UNION ALL
      SELECT logs.key, logs.parent_key, logs.session_key, depth + 1 FROM above JOIN logs ON logs.key = above.parent_key
      WHERE above.session_key IS NULL AND depth < ${MAX_CLIMBED}
    )
    SELECT logs.id, logs.reference_id, logs.parent_reference_id, logs.updated_at, sessions.id AS session_id,
      sessions.reference_id AS session_reference_id,
      (SELECT named.key FROM logs AS named WHERE named.reference_id = logs.parent_reference_id) AS named_key
    FROM above JOIN logs ON logs.key = above.key LEFT JOIN sessions ON sessions.key = logs.session_key
    ORDER BY depth DESC LIMIT 1`,

  listIds: 'SELECT key, id, reference_id, updated_at FROM logs WHERE key > ? ORDER BY key LIMIT 5000',
  listFeedbackIds: `SELECT feedback.key, feedback.id, logs.id AS log_id, logs.updated_at AS log_updated_at
    FROM feedback JOIN logs ON logs.key = log_key WHERE feedback.key > ? ORDER BY feedback.key LIMIT 5000`,

  listTraces: 'SELECT key, trace_id FROM traces WHERE key > ? ORDER BY key LIMIT 500',
  listParts: 'SELECT spans FROM trace_parts WHERE trace_key = ? ORDER BY part',
  listCalls: 'SELECT call_key, start_millis, end_millis, reporter, span_id FROM trace_calls WHERE trace_key = ?',
  listContents: 'SELECT reference_id, content FROM trace_contents WHERE trace_key = ?',
} as const;

export type Source = ReturnType<typeof openSource>;

export interface SourceCounts {
  readonly projects: number;
  readonly configs: number;
  readonly sessions: number;
  readonly logs: number;
  readonly feedback: number;
  readonly traces: number;
}

/** Brings the file to the schema of this version first, as `serve` does. Throws a `SqliteError`. */
export function openSource(givenFile: string) {
  const file = resolve(givenFile);
  if (!existsSync(file)) throw createSqliteError('missing', file);
  const database = openAlone(file);
  try {
    checkIdentity(database, file);
    migrateSqlite(database, file);
    const statements = prepareAll((sql) => database.prepare(sql), SQL);
    const count = (name: keyof typeof SQL & `count${string}`) => Number(statements[name].get()!['count']);

    /** All rows, in portions that are read when they are asked for. */
    function* portions(name: keyof typeof SQL & `list${string}`): Generator<SqliteRow[]> {
      for (let last: SqliteValue = 0; ; ) {
        const rows = statements[name].all(last);
        if (rows.length === 0) return;
        yield rows;
        last = rows.at(-1)!['key']!;
      }
    }

    return {
      statements,
      portions,
      file,
      counts: (): SourceCounts => ({
        ...{ projects: count('countProjects'), configs: count('countConfigs'), sessions: count('countSessions') },
        ...{ logs: count('countLogs'), feedback: count('countFeedback'), traces: count('countTraces') },
      }),
      countUpTo: (what: 'sessions' | 'logs', key: number): number =>
        Number(statements[what === 'logs' ? 'countLogsUpTo' : 'countSessionsUpTo'].get(key)!['count']),
      /** Logs after that with the key, at most so many bytes of them but for the first. */
      logsAfter: (key: number): SqliteRow[] => {
        let bytes = 0;
        const within = statements.measureLogs.all(key).filter((row, index) => {
          bytes += Number(row['bytes']);
          return index === 0 || bytes <= MAX_BYTES;
        });
        return within.length === 0 ? [] : statements.listLogs.all(key, within.at(-1)!['key']!);
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
