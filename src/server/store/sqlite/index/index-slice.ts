/**
 * One slice of the viewer's index: reads logs, and makes a batch of what is to be written of them and of their
 * sessions.
 */
import type { SqliteBatch } from '../../../../sqlite/batch.ts';
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import { errorPreview, inputPreview, outputPreview, searchableText, splitIdeographs } from '../../rows/log-text.ts';
import { storableText } from '../../storable-text.ts';
import { WORD_SLICE_SQL } from '../file/search-file.ts';
import { LABEL_SQL, toCount } from '../viewer/viewer-labels.ts';
import { toGroupWord, type ViewerStatements } from '../viewer/viewer-statements.ts';
import type { IndexedMessages } from './indexed-messages.ts';
import { facetsOf, isSearchedWhole, labelsOf, toTexts } from './log-content.ts';
import { Rows, SLICE_SQL } from './slice-sql.ts';

/** What a log would have its summary show, and the place of that log's claim. */
interface Ranked {
  readonly text: string;
  readonly rank: string;
  readonly isError: boolean;
  readonly claim: number;
}

/** What the logs of the slice add to one summary. */
interface Additions {
  /** Of each facet, the claims of the logs that have it. */
  readonly facets: Map<string, number[]>;
  firstInput?: Ranked;
  lastOutput?: Ranked;
}

/** The mark is a number that changes when the log does. */
export interface MarkedLog {
  readonly key: SqliteValue;
  readonly mark: SqliteValue;
}

interface Claim extends MarkedLog {
  /** The one that the log was in when it was read. */
  readonly session: SqliteValue;
}

export class IndexSlice {
  readonly #statements: ViewerStatements;
  readonly #messages: IndexedMessages;
  readonly #additions = new Map<SqliteValue, Additions>();
  /** Keys of the summaries that changed; minus the key of a log that is in none. */
  readonly changed = new Set<SqliteValue>();
  /** Logs that were passed over. */
  readonly failed: SqliteValue[] = [];
  readonly #projects = new Map<SqliteValue, string>();
  readonly #configs = new Map<SqliteValue, SqliteRow>();
  readonly #claims: Claim[] = [];
  readonly #texts = new Rows();
  readonly #faults = new Rows();
  readonly #mended = new Rows();
  readonly #replaced = new Rows();
  readonly #recounted = new Rows();
  readonly #counts = new Rows();
  readonly #hasUnsearchable: boolean;
  readonly #hasForgotten: boolean;
  /** In all texts that were indexed. */
  characters = 0;

  constructor(statements: ViewerStatements, messages: IndexedMessages) {
    this.#statements = statements;
    this.#messages = messages;
    this.#hasUnsearchable = statements.hasUnsearchable.get() !== undefined;
    this.#hasForgotten = statements.hasForgotten.get() !== undefined;
  }

  get count(): number {
    return this.#claims.length;
  }

  /** The mark must have been read before. If it throws, nothing of the log is written. */
  add({ key, mark }: MarkedLog): void {
    const row = this.#statements.readLogToIndex.get(key);
    if (!row) {
      // It was deleted since, or there never was one.
      this.#claims.push({ key, mark, session: null });
      return;
    }
    const [project, config] = [this.#project(row['project_key']!), this.#config(row['config_key']!)];
    const session = row['session_key']!;
    const messages = row['messages'] as string | null;
    const isMessagesNew = session === null || messages === null || row['is_counted'] === 1;
    const newMessages = isMessagesNew ? messages : this.#messages.newPart(session, messages);
    const texts = toTexts(row, config, newMessages);
    const isWanted = session === null ? undefined : this.#messages.ownershipOf(session, key);
    row['feedback'] = row['has_feedback'] === 1 ? this.#statements.readFeedback.get(key)!['feedback']! : '[]';
    const labels = labelsOf(row);
    const text = storableText(`${searchableText(texts, isWanted)}\n${splitIdeographs(labels.words)}`);
    const facets = facetsOf(row, project, config, labels.user);
    const count = toCount(key, row, config);
    const group = session ?? (row['parent_key'] === null ? -Number(key) : undefined);
    const added = group === undefined ? undefined : (this.#additions.get(group) ?? newAdditions());
    const order = `${row['created_at']} ${String(key).padStart(16, '0')}`;
    const isFirst = added && (!added.firstInput || order < added.firstInput.rank);
    const input = isFirst && inputPreview(newMessages === messages ? texts : toTexts(row, config));
    const isTop = row['parent_key'] === null && row['parent_reference_id'] === null;
    const rank = `${isTop ? 1 : 0} ${order}`;
    const isLast = added && (!added.lastOutput || rank > added.lastOutput.rank);
    const answer = isLast ? outputPreview(texts) : undefined;
    const output = isLast ? (answer ?? errorPreview(texts)) : undefined;

    // From here on, nothing throws.
    const claim = this.#claims.push({ key, mark, session }) - 1;
    const needs = [claim];
    this.characters += text.length;
    this.#texts.add(needs, key, text, toGroupWord(session === null ? -Number(key) : session));
    if (session !== null && messages !== null && isSearchedWhole(row))
      this.#messages.keepConversation(session, messages);
    if (this.#hasUnsearchable) this.#mended.add(needs, key);
    if (this.#hasForgotten) this.#replaced.add(needs, key);
    if (row['is_counted'] === 1) this.#recounted.add(needs, key);
    this.#counts.add(needs, ...count);
    this.changed.add(group ?? -Number(key));
    if (group === undefined || !added) return;
    this.#additions.set(group, added);
    for (const facet of facets) addToList(added.facets, facet.join('\0'), needs);
    if (input) added.firstInput = { text: storableText(input), rank: order, isError: false, claim };
    if (output) added.lastOutput = { text: storableText(output), rank, isError: answer === undefined, claim };
  }

  /** For a log that fails: others are indexed, and it is noted. */
  passOver({ key, mark }: MarkedLog, fault: string): void {
    this.forget(key);
    this.failed.push(key);
    this.#faults.add([this.#claims.push({ key, mark, session: null }) - 1], key, fault);
  }

  /** For a log that is not indexed, or was not, though it was added: what it said is not in the index. */
  forget(key: SqliteValue): void {
    const session = this.#statements.findLogByKey.get(key)?.['session_key'];
    if (session) this.#messages.forget(session);
    this.changed.add(session ?? -Number(key));
  }

  /**
   * The words, which are written first, and in a file of their own. `slice` names this one; `lastWords` is the last one
   * that is known to have written words, and `known` the last one that the database knew of when the logs were read.
   *
   * The engine writes its search index to the file at the end of each savepoint, and before it takes a log with a lower
   * key than the one before: between two logs, that takes far longer than the log itself. Statements with a trigger, or
   * with a SELECT, are savepoints of their own, so all texts come last, in the order of their keys.
   */
  toWordsBatch(slice: string, lastWords: string, known: SqliteValue): SqliteBatch {
    return {
      gates: [
        { sql: WORD_SLICE_SQL.follow, parameters: [lastWords] },
        { sql: WORD_SLICE_SQL.note, parameters: [slice] },
      ],
      claims: { sql: SLICE_SQL.isMarked, rows: this.#claims.map(({ key, mark }) => [key, mark]) },
      steps: [
        { sql: WORD_SLICE_SQL.dropKnownKeys, rows: [[known]] },
        { sql: WORD_SLICE_SQL.dropKnownSlices, rows: [[known]] },
        { sql: WORD_SLICE_SQL.noteKey, rows: this.#claims.map(({ key }) => [key]) },
        { sql: SLICE_SQL.clearForgottenText, rows: this.failed.map((key) => [key]) },
        { sql: SLICE_SQL.writeText, rows: this.#texts.rows, needs: this.#texts.needs },
      ],
    };
  }

  /** All but the words. `lastSlice` is the one that `messages` is of. */
  toBatch(slice: string, lastSlice: string): SqliteBatch {
    const [newFacets, facets, firstInputs, lastOutputs] = [new Rows(), new Rows(), new Rows(), new Rows()];
    const ofFacets = new Map<string, number[]>();
    for (const [group, added] of this.#additions) {
      for (const [name, claims] of added.facets) {
        addToList(ofFacets, name, claims);
        facets.add(claims, ...name.split('\0'), group);
      }
      const { firstInput, lastOutput } = added;
      if (firstInput) firstInputs.add([firstInput.claim], group, firstInput.text, firstInput.rank);
      if (!lastOutput) continue;
      lastOutputs.add([lastOutput.claim], group, lastOutput.text, lastOutput.rank, lastOutput.isError ? 1 : 0);
    }
    for (const [name, claims] of ofFacets) newFacets.add(claims, ...name.split('\0'));
    const steps: [sql: string, Rows][] = [
      [SLICE_SQL.markUnsearchable, this.#faults],
      [SLICE_SQL.clearUnsearchable, this.#mended],
      [SLICE_SQL.dropForgotten, this.#replaced],
      [SLICE_SQL.clearCount, this.#recounted],
      [SLICE_SQL.writeCount, this.#counts],
      [SLICE_SQL.insertFacet, newFacets],
      [SLICE_SQL.addFacet, facets],
      [SLICE_SQL.setFirstInput, firstInputs],
      [SLICE_SQL.setLastOutput, lastOutputs],
    ];
    return {
      gates: [{ sql: SLICE_SQL.followSlice, parameters: [slice, lastSlice] }],
      claims: { sql: SLICE_SQL.unmarkLog, rows: this.#claims.map(({ key, mark }) => [key, mark]) },
      steps: [
        ...steps.map(([sql, { rows, needs }]) => ({ sql, rows, needs })),
        { sql: LABEL_SQL.writeRank, rows: [...this.changed].map((key) => [key]) },
      ],
    };
  }

  /** The log that a fault of the batch is of. */
  keyOf(claim: number): SqliteValue {
    return this.#claims[claim]!.key;
  }

  /**
   * Must be called when the batch is written. Logs that have changed meanwhile stay marked. One that is gone, since its
   * transaction was undone, may have left its session's key to another session.
   */
  settle(claimed: readonly boolean[]): void {
    for (const [at, { key, session }] of this.#claims.entries()) {
      if (claimed[at]) continue;
      if (session !== null) this.#messages.forget(session);
      this.forget(key);
    }
  }

  #project(key: SqliteValue): string {
    let name = this.#projects.get(key);
    if (name === undefined) {
      name = this.#statements.readProjectName.get(key)!['name'] as string;
      this.#projects.set(key, name);
    }
    return name;
  }

  #config(key: SqliteValue): SqliteRow {
    let config = this.#configs.get(key);
    if (!config) {
      config = this.#statements.readConfigLabel.get(key) ?? { type: null, model: null, label: null };
      this.#configs.set(key, config);
    }
    return config;
  }
}

const newAdditions = (): Additions => ({ facets: new Map() });

function addToList<Key>(lists: Map<Key, number[]>, key: Key, added: readonly number[]): void {
  const list = lists.get(key);
  if (list) list.push(...added);
  else lists.set(key, [...added]);
}

/**
 * Returns the ids of these summaries; null if they are more than `mostNamed`, or if one is gone: where another process
 * has deleted it, nothing else says so.
 */
export function idsOf(
  statements: ViewerStatements,
  summaries: ReadonlySet<SqliteValue>,
  mostNamed: number,
): string[] | null {
  if (summaries.size > mostNamed) return null;
  const ids = [...summaries].map((key) => statements.findSummaryId.get(key)?.['id'] as string | null);
  return ids.every((id) => id !== null) ? ids : null;
}
