/** Configs that logs and projects share: each is stored once in its project. */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import { newIdentifier } from '../../identifiers.ts';
import type { ConfigRow } from '../../rows/config-row.ts';
import type { Statements } from './statements.ts';

/** Returns the key of the project's config with this content, which is stored if it is not there yet. */
export function useConfig(
  { findConfigByDigest, touchConfig, insertConfig }: Statements,
  projectKey: SqliteValue,
  { digest, type, model, label, content }: ConfigRow,
  now: string,
): SqliteValue {
  const bytes = Buffer.from(digest, 'base64');
  const key = findConfigByDigest.get(projectKey, bytes)?.['key'];
  if (key === undefined) {
    const values = [bytes, type, model, label, content, now, now];
    return insertConfig.run(newIdentifier('config'), projectKey, ...values).lastInsertRowid;
  }
  touchConfig.run(now, key);
  return key;
}
