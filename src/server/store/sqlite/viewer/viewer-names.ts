/** Finds a session by what names it: ids and references of sessions and logs, and ids of traces. Each is one look-up. */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import { storableText } from '../../storable-text.ts';
import type { ViewerStatements } from './viewer-statements.ts';

export interface FoundKey {
  /** Key of the summary. */
  readonly key: SqliteValue;
  /** Where the name is that of a log. */
  readonly logKey?: SqliteValue;
}

/** No longer name can be stored. */
const MAX_NAME_CHARACTERS = 10_000;
/** As in the header `traceparent`. */
const TRACE = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-([0-9a-f]{16})(?:-[0-9a-f]{2})?)?$/i;
/** From a log to the top of its tree. */
const MAX_CLIMBED = 2_000;

export function findName(statements: ViewerStatements, given = ''): FoundKey | undefined {
  const name = storableText(given.trim());
  if (name === '' || name.length > MAX_NAME_CHARACTERS) return undefined;
  const session =
    statements.findSummaryKey.get({ id: name })?.['key'] ??
    statements.findSummaryKey.get({ id: statements.findSessionByName.get(name)?.['id'] ?? '' })?.['key'];
  if (session !== undefined) return { key: session };
  const [, trace, span] = TRACE.exec(name) ?? [];
  const inTrace = trace?.toLowerCase();
  const named =
    statements.findLogById.get(name) ??
    findLog(statements.findLogByName.get(name)) ??
    (inTrace && span ? findLog(statements.findLogByName.get(`${inTrace}-${span.toLowerCase()}`)) : undefined);
  const log = named ?? findLog(statements.findLogInTrace.get(inTrace ?? name, inTrace ?? null));
  if (!log) return undefined;
  let top = log;
  for (let step = 0; top['session_key'] === null && top['parent_key'] !== null && step < MAX_CLIMBED; step += 1) {
    const parent = statements.findLogByKey.get(top['parent_key']!);
    if (!parent || parent['key'] === log['key']) break;
    top = parent;
  }
  return { key: top['session_key'] ?? -Number(top['key']), ...(named && { logKey: named['key']! }) };

  function findLog(row: { id?: SqliteValue } | undefined) {
    return row?.id === undefined ? undefined : statements.findLogById.get(row.id);
  }
}
