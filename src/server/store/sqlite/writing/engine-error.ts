import { explainSqliteError } from '../../../../sqlite/open.ts';

/** Explains an error of the engine; returns an error of the work itself as it is. */
export function explainEngineError(error: unknown, file: string): unknown {
  return isEngineError(error) ? explainSqliteError(error, file) : error;
}

/** Of some reads that fail, there is no number. */
function isEngineError(error: unknown): boolean {
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  return typeof errcode === 'number' || code === 'ERR_SQLITE_ERROR';
}
