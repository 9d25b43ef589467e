import { explainSqliteError } from '../../../../sqlite/open.ts';

/** Explains an error of the engine; returns an error of the work itself as it is. */
export function explainEngineError(error: unknown, file: string): unknown {
  return typeof (error as { errcode?: unknown }).errcode === 'number' ? explainSqliteError(error, file) : error;
}
