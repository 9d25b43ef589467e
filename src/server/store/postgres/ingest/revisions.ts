/**
 * Changes of logs that the v4 API does not allow. The rows of all logs that are changed are locked first, in one order;
 * then each revision is a statement by full key. Sessions are added to, or made again from their logs where something is
 * taken away from one.
 */
import type pg from 'pg';
import type { Revision } from '../../ingest.ts';
import type { ConfigRow } from '../../rows/config-row.ts';
import { GIVEN_COLUMNS, type LogRow } from '../../rows/log-row.ts';
import { isContent, REVISED_COLUMNS, withEntries } from '../../rows/stored-log.ts';
import { storableText } from '../../storable-text.ts';
import { insertWords, wordRowsOf } from '../search/word-rows.ts';
import { pipelined, type Statement, toSqlTime, type Value } from '../tables/connection.ts';
import type { FeedbackDraft } from '../tables/drafts.ts';
import { type Key, referenceKey, sessionKey, toId, toKeyed, type Uuid } from '../tables/keys.ts';
import { type LogColumns, labelsOf, toTexts, wordsOf } from '../tables/log-facts.ts';
import { inTables } from '../tables/partitions.ts';
import { withBucket } from '../tables/row-keys.ts';
import { toWords } from '../tables/words.ts';
import { insertFeedback, readFeedbackDrafts } from '../writing/feedback-writes.ts';
import type { SessionWrites } from '../writing/session-writes.ts';
import type { TurnParts } from '../writing/turn-parts.ts';
import { KEY, lockLogs, type RevisedLog, type Says, toState } from './revised-logs.ts';
import { changeOf, type LogState } from './session-change.ts';

/** A revision, with its content as it is stored. */
export interface EncodedRevision extends Revision {
  readonly row?: LogRow;
}

const KEY_OF_WORDS = KEY.replace('id = $3::text', `id IN ${wordRowsOf('$3::text')}`);
const SET_PARENT = `UPDATE {logs} SET updated_at = $4::timestamptz, parent_id = NULL, parent_reference_id = $5::text,
    parent_cut = false WHERE ${KEY}`;
const SET_SESSION = `UPDATE {logs} SET updated_at = $4::timestamptz, session = $5::uuid, in_session = true WHERE ${KEY}`;
const SET_DURATION = `UPDATE {logs} SET updated_at = $4::timestamptz, duration = $5::float8 WHERE ${KEY}`;
const SET_METADATA = `UPDATE {logs} SET updated_at = $4::timestamptz, metadata = $5::text WHERE ${KEY}`;
const SET_CONTENT = `UPDATE {logs} SET updated_at = $4::timestamptz, config = $5::uuid, called = $6::text,
    ${REVISED_COLUMNS.map((column, index) => `${column} = $${7 + index}::${/tokens|cost/.test(column) ? 'float8' : 'text'}`).join(', ')}
  WHERE ${KEY}`;

/** References of logs that are deleted, whose rows a transaction locks before those of logs. */
export function mergedReferences(revisions: readonly Revision[]): string[] {
  return revisions.flatMap(({ referenceId, mergedInto }) => (mergedInto === undefined ? [] : [referenceId]));
}

export async function writeRevisions(
  client: pg.ClientBase,
  parts: TurnParts,
  sessions: SessionWrites,
  revisions: readonly EncodedRevision[],
): Promise<void> {
  if (revisions.length === 0) return;
  const names = revisions.flatMap(({ referenceId, mergedInto }) => [referenceId, ...(mergedInto ? [mergedInto] : [])]);
  const replaced = new Set(revisions.flatMap(({ referenceId, row }) => (row ? [referenceId] : [])));
  const logs = await lockLogs(client, parts, names, replaced);
  const configs = await useConfigs(parts, logs, revisions);
  const feedback = await readFeedbackDrafts(
    client,
    revisions.flatMap(({ referenceId, row, mergedInto }) =>
      row || mergedInto !== undefined ? (logs.get(referenceId)?.place.id ?? []) : [],
    ),
  );
  const writes = new RevisionWrites(parts, sessions, logs, feedback);
  for (const [index, revision] of revisions.entries()) writes.add(revision, configs.get(index));
  await pipelined(client, writes.statements);
}

/** Resolves to the key of each revision's config, with the config, by index. */
async function useConfigs(
  { catalog }: TurnParts,
  logs: ReadonlyMap<string, RevisedLog>,
  revisions: readonly EncodedRevision[],
): Promise<Map<number, ConfigRow & { key: Uuid }>> {
  const given = revisions.flatMap(({ referenceId, row }, index) => {
    const log = logs.get(referenceId);
    return log && row?.config ? [{ index, projectKey: log.project, row: row.config }] : [];
  });
  const keys = given.length === 0 ? [] : await catalog.useConfigs(given);
  return new Map(given.map(({ index, row }, at) => [index, { ...row, key: keys[at]! }]));
}

/** Follows what each revision makes of a log, since several may be about one. */
class RevisionWrites {
  readonly statements: Statement[] = [];
  readonly #parts: TurnParts;
  readonly #sessions: SessionWrites;
  readonly #logs: ReadonlyMap<string, RevisedLog>;
  readonly #feedback: Map<string, readonly FeedbackDraft[]>;
  readonly #now: string;

  constructor(
    parts: TurnParts,
    sessions: SessionWrites,
    logs: ReadonlyMap<string, RevisedLog>,
    feedback: ReadonlyMap<string, readonly FeedbackDraft[]>,
  ) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#logs = logs;
    this.#feedback = new Map(feedback);
    this.#now = toSqlTime(sessions.now);
  }

  add(revision: EncodedRevision, config: (ConfigRow & { key: Uuid }) | undefined): void {
    const log = this.#logs.get(revision.referenceId);
    if (!log || log.isGone) return;
    const { parentReferenceId: parent, sessionReferenceId, row, duration, metadata, mergedInto, readAs } = revision;
    if (mergedInto !== undefined) return this.#merge(log, mergedInto);
    if (parent !== undefined) this.#setParent(log, parent);
    if (sessionReferenceId !== undefined) this.#moveTo(log, storableText(sessionReferenceId));
    if (duration !== undefined) {
      this.#write('set duration', SET_DURATION, log, [duration]);
      this.#change(log, { ...log.state, duration });
    }
    if (row) this.#setContent(log, withUpdates(row, log.says, readAs), config);
    else if (metadata) this.#setMetadata(log, metadata);
  }

  #setParent(log: RevisedLog, parent: string | null): void {
    this.#write('set parent', SET_PARENT, log, [parent]);
    // Only which log is at the top has to do with the texts of the session.
    this.#touch(log, log.hasParent !== (parent !== null));
    log.hasParent = parent !== null;
  }

  #moveTo(log: RevisedLog, referenceId: string): void {
    const { merges, search } = this.#parts;
    const before = merges.resolve(log.session);
    const after = merges.resolve(sessionKey(referenceId).key);
    if (log.inSession && before.key === after.key) return;
    this.#touch(log, true);
    this.#write('set session', SET_SESSION, log, [after.key]);
    if (search === 'index') {
      const text = `UPDATE {log_words} SET session = $4::uuid WHERE ${KEY_OF_WORDS}`;
      this.#send('set session of words', text, log, [after.key]);
    }
    [log.session, log.inSession] = [after.key, true];
    this.#sessions.add(after, { day: log.place.day, id: toId('sesh', after.key), referenceId });
    // A row cannot move to another shard.
    this.#sessions.widen(after, log.place.bucket);
    this.#sessions.addProject(after, log.project, true);
    this.#sessions.recount(after);
  }

  #setContent(log: RevisedLog, row: LogRow, config: (ConfigRow & { key: Uuid }) | undefined): void {
    const values = new Map<string, Value>(
      GIVEN_COLUMNS.map((column, index) => [
        column,
        log.save || !isContent(column) ? (row.given[index] as Value) : null,
      ]),
    );
    this.#write('set content', SET_CONTENT, log, [
      ...[config?.key ?? null, log.save ? row.called : null],
      ...REVISED_COLUMNS.map((column) => values.get(column)!),
    ]);
    const { environment, source } = log.state.columns;
    const columns = { ...Object.fromEntries(values), environment, source } as LogColumns;
    this.#deleteWords(log);
    const words = wordsOf(columns, toTexts(columns, config), this.#factsOf(log), this.#parts.vocabulary.add);
    this.#writeWords(log, words, false);
    const isKnown = { has_error: columns.error !== null, has_output: columns.output !== null };
    const { duration } = log.state;
    const after = { ...Object.fromEntries(values), ...isKnown, duration, config: config?.key ?? null };
    this.#change(log, toState(after, columns), config);
  }

  #setMetadata(log: RevisedLog, entries: Readonly<Record<string, unknown>>): void {
    const before = log.state.columns;
    const metadata = JSON.stringify(withEntries(before.metadata as string | null, entries));
    this.#write('set metadata', SET_METADATA, log, [metadata]);
    this.#addWords(log, labelsOf({ metadata }, []).words);
    this.#change(log, { ...log.state, columns: { ...before, metadata } });
  }

  #merge(log: RevisedLog, into: string): void {
    const target = this.#logs.get(into);
    if (!target || target.isGone) return;
    const reference = referenceKey(log.referenceId);
    const entries = this.#feedback.get(log.place.id) ?? [];
    this.statements.push({
      // Children may still name it: whoever logs it again is merged with them.
      name: 'clear reference',
      text: `UPDATE log_references SET log_id = NULL, awaited = true WHERE bucket = $1::smallint AND reference = $2::uuid`,
      values: [reference.bucket, reference.key],
    });
    this.#send('delete log', `DELETE FROM {logs} WHERE ${KEY}`, log);
    this.#send('delete feedback of log', `DELETE FROM {feedback} WHERE ${KEY.replace(' id ', ' log_id ')}`, log);
    this.#deleteWords(log);
    log.isGone = true;
    this.#touch(log, true);
    if (entries.length === 0) return;
    this.#feedback.set(target.place.id, [...(this.#feedback.get(target.place.id) ?? []), ...entries]);
    this.statements.push(
      ...insertFeedback(
        entries.map((entry) => ({ logId: target.place.id, entry })),
        this.#parts.layout,
      ),
    );
    this.#addWords(target, labelsOf({}, toFacts(entries)).words);
    this.#touch(target, true);
  }

  /** `values` begin with `$5`. */
  #write(name: string, text: string, log: RevisedLog, values: readonly Value[]): void {
    this.#send(name, text, log, [this.#now, ...values]);
  }

  /** `values` begin with `$4`. */
  #send(name: string, text: string, { place: { day, bucket, id } }: RevisedLog, values: readonly Value[] = []): void {
    const sql = withBucket(text, this.#parts.layout);
    this.statements.push(inTables(name, sql, day, [day, bucket, id, ...values]));
  }

  #deleteWords(log: RevisedLog): void {
    this.#send('delete words', `DELETE FROM {log_words} WHERE ${KEY_OF_WORDS}`, log);
  }

  #addWords(log: RevisedLog, text: string): void {
    this.#writeWords(log, toWords(text, undefined, this.#parts.vocabulary.add), true);
  }

  #writeWords({ place, session }: RevisedLog, words: ReadonlySet<number>, isAdded: boolean): void {
    const { search, layout } = this.#parts;
    if (search === 'index') this.statements.push(...insertWords([{ id: place.id, session, words, isAdded }], layout));
  }

  #factsOf({ place }: RevisedLog) {
    return toFacts(this.#feedback.get(place.id) ?? []);
  }

  #change(log: RevisedLog, after: LogState, config?: ConfigRow): void {
    const { createdAt, hasParent, place, session } = log;
    const change = changeOf(log.state, after, { id: place.id, createdAt, isTop: !hasParent }, config);
    log.state = after;
    if (!change) return this.#touch(log, true);
    this.#sessions.add(toKeyed(session), { day: place.day, ...change.part });
    this.#sessions.addFacets(toKeyed(session), change.facets);
  }

  /** The row of its session is locked at the end, and says when it was changed. */
  #touch({ session, place }: RevisedLog, isCounted: boolean): void {
    const key: Key = toKeyed(session);
    this.#sessions.add(key, { day: place.day });
    if (isCounted) this.#sessions.recount(key);
  }
}

/** An update sets a field and never clears one. */
function withUpdates(row: LogRow, says: Says, readAs: Says | undefined): LogRow {
  if (!readAs) return row;
  const given = [...row.given];
  for (const field of ['output', 'error'] as const) {
    const text = says[field] ?? null;
    if (text !== null && text !== (readAs[field] ?? null)) given[GIVEN_COLUMNS.indexOf(field)] = text;
  }
  return { ...row, given };
}

function toFacts(entries: readonly FeedbackDraft[]) {
  return entries.map(({ type, value }) => ({ type, value: JSON.parse(value) as unknown }));
}
