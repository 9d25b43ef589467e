/** What must be true of the tables of a PostgreSQL store, whatever was written to it. */
import { withClient } from './cluster.ts';

/** Resolves to the faults that were found, of which there should be none. */
export async function findFaults(url: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const faults: string[] = [];
    const check = async (name: string, sql: string): Promise<void> => {
      const { rows } = await client.query(sql);
      if (rows.length > 0) faults.push(`${name}: ${JSON.stringify(rows.slice(0, 3))}`);
    };
    await check(
      'sums are those of the logs',
      `SELECT * FROM (
         SELECT session.key, session.logs, session.errors, session.running, session.prompt_tokens::numeric AS tokens,
           counted.logs AS of_logs, counted.errors AS of_errors, counted.running AS of_running,
           counted.tokens AS of_tokens
         FROM sessions AS session CROSS JOIN LATERAL (
           SELECT count(*) AS logs, count(error) AS errors,
             count(*) FILTER (WHERE duration IS NULL AND output IS NULL AND error IS NULL) AS running,
             sum(prompt_tokens)::numeric AS tokens
           FROM logs WHERE bucket = ANY(session.buckets) AND logs.session = ANY(session.keys)) AS counted
         WHERE session.merged_into IS NULL) AS compared
       WHERE (logs, errors, running, tokens) IS DISTINCT FROM (of_logs, of_errors, of_running, of_tokens)`,
    );
    await check(
      'each log is in one session',
      `SELECT id FROM logs WHERE (SELECT count(*) FROM sessions
         WHERE merged_into IS NULL AND logs.session = ANY(keys) AND logs.bucket = ANY(buckets)) <> 1`,
    );
    await check(
      'rows of projects say whether their session has an id',
      `SELECT part.*, sessions.id FROM session_projects AS part JOIN sessions USING (bucket)
       WHERE sessions.key = part.session AND part.has_id <> (sessions.id IS NOT NULL)`,
    );
    await check(
      'the project and the config of each log are there',
      `SELECT id, project, config FROM logs WHERE NOT EXISTS (SELECT 1 FROM projects WHERE key = logs.project)
         OR config IS NOT NULL AND NOT EXISTS (SELECT 1 FROM configs WHERE key = logs.config)`,
    );
    await check(
      'feedback and words are of logs that are there',
      `SELECT log_id FROM feedback WHERE NOT EXISTS (SELECT 1 FROM logs WHERE id = log_id) UNION ALL
       SELECT id FROM log_words WHERE NOT EXISTS (SELECT 1 FROM logs WHERE logs.id = rtrim(log_words.id, '+'))`,
    );
    await check('each log is there once', 'SELECT id FROM logs GROUP BY id HAVING count(*) > 1');
    await check(
      'each reference is one log',
      `SELECT reference_id FROM logs WHERE reference_id IS NOT NULL GROUP BY reference_id HAVING count(*) > 1`,
    );
    await check(
      'each reference leads to its log',
      `SELECT log_id FROM log_references WHERE log_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM logs WHERE id = log_id)`,
    );
    await check(
      'each log with a reference is found by it',
      `SELECT id FROM logs WHERE reference_id IS NOT NULL AND NOT EXISTS
         (SELECT 1 FROM log_references WHERE log_id = logs.id)`,
    );
    return faults;
  });
}
