/**
 * Keeps the search index and the filters of the viewer up to date, between the turns of writes.
 *
 * Triggers mark the logs and sessions that changed (viewer-schema.ts). `ViewerIndex` works the marks off in slices,
 * each a job in the turns of the writes, newest log first: after a start with a large unindexed file, new logs are
 * found at once. A slice that fails is rolled back and tried again, since its marks are still there. A single log that
 * fails is passed over, and noted in `unsearchable_logs`: whatever is in it, the others are found.
 */

import { HumanloopError } from '../../../errors.ts';
import { reasonOf, type SqliteRow, type SqliteValue } from '../../../sqlite/open.ts';
import { parseJson } from '../../../wire/json.ts';
import { errorPreview, inputPreview, type LogTexts, outputPreview, searchableText } from '../log-text.ts';
import { storableText } from '../storable-text.ts';
import type { SessionChange } from '../viewer-store.ts';
import type { ViewerStatements } from './viewer-statements.ts';
import type { WriteTurns } from './write-turns.ts';

/** Writes that come close together are indexed together. */
const GATHER_MILLIS = 40;
const SLICE_MILLIS = 10;
/** Between two slices, so that no request waits for more than one. */
const PAUSE_MILLIS = 5;
const RETRY_MILLIS = 1_000;
const MAX_NAMED_SESSIONS = 50;
const MAX_FACET_CHARACTERS = 40;
/** A longer name is no filter: the viewer could not ask for it. */
const MAX_NAME_CHARACTERS = 500;
const MAX_KNOWN_FACETS = 10_000;

/** Between two reports of the same kind of failure. */
const REPORT_MILLIS = 60_000;

export interface ViewerIndex {
  /** Must be called with each write. */
  schedule(): void;
  /** Returns the version of the last change that the listeners were called with. */
  version(): number;
  /** Calls the listeners where no indexing does: sessions are gone, or another process has written. */
  announce(sessions: readonly string[] | null): void;
  /** Must be called where facets are deleted, and where another process may have deleted some. */
  forgetFacets(): void;
  /** Lets the marks wait. Returns a function that ends this. */
  hold(): () => void;
  onChange(listener: (change: SessionChange) => void): () => void;
  close(): void;
}

/** `onError` is called with what the operator should know, once a minute for logs that are passed over. */
export function createViewerIndex(
  statements: ViewerStatements,
  turns: WriteTurns,
  onError: (error: unknown) => void,
): ViewerIndex {
  const listeners = new Set<(change: SessionChange) => void>();
  const facetKeys = new Map<string, SqliteValue>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let version = Date.now();
  let isFailing = false;
  let isOnHold = false;
  let dataVersion: SqliteValue | undefined;
  let passedOver = 0;
  let reported = Number.NEGATIVE_INFINITY;

  const facetKey = (kind: string, value: string): SqliteValue => {
    const name = `${kind} ${value}`;
    let key = facetKeys.get(name);
    if (key === undefined) {
      key = (statements.findFacet.get(kind, value) ?? statements.insertFacet.get(kind, value))!['key']!;
      if (facetKeys.size >= MAX_KNOWN_FACETS) facetKeys.clear();
      facetKeys.set(name, key);
    }
    return key;
  };

  const resetSession = (key: SqliteValue): void => {
    statements.clearFacets.run(key);
    statements.clearTexts.run({ key });
    statements.markLogsOfSession.run({ key });
  };

  /** Returns the key of the log's summary; `undefined` for a log below another one, outside of sessions. */
  const indexLog = (key: SqliteValue): SqliteValue | undefined => {
    const row = statements.readLogToIndex.get(key);
    if (!row) return undefined;
    const texts = toTexts(row);
    statements.writeText.run(key, storableText(searchableText(texts)));
    statements.clearUnsearchable.run(key);
    const group = row['session_key'] ?? (row['parent_key'] === null ? -Number(key) : undefined);
    if (group === undefined) return undefined;
    for (const [kind, value] of facetsOf(row)) statements.addFacet.run(facetKey(kind, value), group);
    const order = `${row['created_at']} ${String(key).padStart(16, '0')}`;
    const input = inputPreview(texts);
    if (input) statements.setFirstInput.run({ key: group, text: storableText(input), rank: order });
    const output = outputPreview(texts) ?? errorPreview(texts);
    const isError = output !== undefined && outputPreview(texts) === undefined ? 1 : 0;
    const isTop = row['parent_key'] === null && row['parent_reference_id'] === null;
    if (output) {
      const rank = `${isTop ? 1 : 0} ${order}`;
      statements.setLastOutput.run({ key: group, text: storableText(output), rank, is_error: isError });
    }
    return group;
  };

  const passOver = (key: SqliteValue, cause: unknown): undefined => {
    // What fails for all logs alike, such as a full disk, is tried again.
    if (reasonOf(cause) !== 'other') throw cause;
    // Facets that were made for this log are undone too.
    facetKeys.clear();
    statements.markUnsearchable.run(key, String(cause));
    passedOver += 1;
    if (performance.now() - reported < REPORT_MILLIS) return;
    reported = performance.now();
    const id = statements.findLogByKey.get(key)?.['id'];
    const others = passedOver === 1 ? '' : `, and ${passedOver - 1} others`;
    passedOver = 0;
    onError(new HumanloopError(`the viewer cannot find log ${id}${others} by its words (${cause})`, { cause }));
  };

  /** Another process may have deleted facets that are known here. */
  const forgetAfterOthers = (): void => {
    const current = statements.readDataVersion.get()!['data_version'];
    if (current !== dataVersion) facetKeys.clear();
    dataVersion = current;
  };

  const slice = (): { changed: string[]; isDone: boolean } => {
    forgetAfterOthers();
    const end = performance.now() + SLICE_MILLIS;
    const groups = new Set<SqliteValue>();
    let isDone = false;
    while (!isDone && performance.now() < end) {
      const session = statements.takeMarkedSession.get();
      if (session) {
        resetSession(session['key']!);
        groups.add(session['key']!);
        continue;
      }
      const log = statements.takeMarkedLog.get();
      if (!log) isDone = true;
      else {
        const key = log['key']!;
        const indexed = turns.runInSavepoint(
          () => indexLog(key),
          (error) => passOver(key, error),
        );
        groups.add(indexed ?? -Number(key));
      }
    }
    const ids = [...groups].map((key) => statements.findSummaryId.get({ key })?.['id'] as string | null);
    return { changed: ids.filter((id) => id !== null), isDone };
  };

  const announce = (sessions: readonly string[] | null): void => {
    version += 1;
    const named = sessions !== null && sessions.length <= MAX_NAMED_SESSIONS ? sessions : null;
    for (const listener of listeners) listener({ sessions: named, version });
  };

  const run = async (): Promise<void> => {
    timer = undefined;
    if (isOnHold) return;
    try {
      const { changed, isDone } = await turns.run(slice);
      isFailing = false;
      if (!isDone) again(PAUSE_MILLIS);
      if (changed.length > 0) announce(changed);
    } catch (error) {
      // The disk is full, or the file is locked: the index catches up later.
      facetKeys.clear();
      if (!isFailing && !closed) onError(error);
      isFailing = true;
      again(RETRY_MILLIS);
    }
  };

  const again = (millis: number): void => {
    if (closed || timer) return;
    timer = setTimeout(() => void run(), millis);
    timer.unref();
  };

  again(0);
  return {
    schedule: () => again(GATHER_MILLIS),
    version: () => version,
    announce,
    forgetFacets: () => facetKeys.clear(),
    hold: () => {
      isOnHold = true;
      return () => {
        isOnHold = false;
        again(0);
      };
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      listeners.clear();
    },
  };
}

export function toTexts(row: SqliteRow): LogTexts {
  return {
    inputs: parse(row['inputs']),
    messages: parse(row['messages']),
    output: row['output'] as string | null,
    outputMessage: parse(row['output_message']),
    error: row['error'] as string | null,
    label: [row['label'], row['model']].filter(Boolean).join(' '),
  };
}

/** JSON that is nested too deeply to be parsed is not searched. */
function parse(json: SqliteValue | undefined): unknown {
  return typeof json === 'string' ? (parseJson(json) ?? null) : null;
}

function facetsOf(row: SqliteRow): [kind: string, value: string][] {
  const facets: [string, string][] = [['project', row['project'] as string]];
  if (row['type']) facets.push(['type', row['type'] as string]);
  if (row['model']) facets.push(['model', row['model'] as string]);
  if (row['error'] !== null) facets.push(['error', '*']);
  for (const { type, value } of JSON.parse(row['feedback'] as string) as { type: string; value: unknown }[]) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    facets.push(['feedback', '*'], ['feedback', text.length > MAX_FACET_CHARACTERS ? type : `${type}: ${text}`]);
  }
  return facets
    .filter(([, value]) => value.length <= MAX_NAME_CHARACTERS)
    .map(([kind, value]) => [kind, storableText(value)]);
}
