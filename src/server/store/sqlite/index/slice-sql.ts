/** What a slice of the index writes, named for what it does. These run on the connection of the index's own thread. */
import type { SqliteValue } from '../../../../sqlite/open.ts';

export const SLICE_SQL = {
  /** Fails where another process has indexed since the slice `?2`. */
  followSlice: `UPDATE last_index_slice SET slice = ?1, words = ?1 WHERE slice = ?2 RETURNING 1`,
  /** Fails where the log was changed, deleted or indexed since it was read. */
  unmarkLog: `DELETE FROM unindexed_logs WHERE key = ? AND mark = ? RETURNING 1`,
  /** Fails where `unmarkLog` would. */
  isMarked: `SELECT 1 FROM unindexed_logs WHERE key = ? AND mark = ?`,
  markUnsearchable: `INSERT OR REPLACE INTO unsearchable_logs (key, fault) VALUES (?, ?)`,
  clearUnsearchable: `DELETE FROM unsearchable_logs WHERE key = ?`,
  /** Of a key that is passed over: what was indexed of the log before stays, unless it is of another one, or must go. */
  clearForgottenText: `DELETE FROM logs_search WHERE rowid = ?1 AND EXISTS (SELECT 1 FROM forgotten_logs WHERE key = ?1)`,
  writeText: `INSERT OR REPLACE INTO logs_search (rowid, text, session) VALUES (?, ?, ?)`,
  /** The words of the log have taken the place of those that had to go. */
  dropForgotten: `DELETE FROM forgotten_logs WHERE key = ?`,
  clearCount: `DELETE FROM counted_logs WHERE key = ?`,
  writeCount: `INSERT INTO counted_logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  insertFacet: `INSERT INTO facets (kind, value) VALUES (?, ?) ON CONFLICT DO NOTHING`,
  addFacet: `INSERT INTO session_facets (facet_key, session_key)
    SELECT key, ?3 FROM facets WHERE kind = ?1 AND value = ?2 ON CONFLICT DO NOTHING`,
  setFirstInput: `UPDATE session_summaries SET first_input = ?2, first_input_rank = ?3
    WHERE key = ?1 AND (first_input_rank IS NULL OR first_input_rank >= ?3)`,
  setLastOutput: `UPDATE session_summaries SET last_output = ?2, last_output_rank = ?3, last_is_error = ?4
    WHERE key = ?1 AND (last_output_rank IS NULL OR last_output_rank <= ?3)`,
} as const;

/** Rows of one statement, each with the claims of which one must hold. */
export class Rows {
  readonly rows: SqliteValue[][] = [];
  readonly needs: number[][] = [];

  add(needs: number[], ...row: SqliteValue[]): void {
    this.rows.push(row);
    this.needs.push(needs);
  }
}
