/** One slice of the viewer's index: reads logs, and writes what they add to their sessions when all of them are read. */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import { parseJson } from '../../../../wire/json.ts';
import { type LogLabels, toLabels } from '../../rows/log-labels.ts';
import {
  errorPreview,
  inputPreview,
  type LogTexts,
  MAX_SEARCHED_CHARACTERS,
  outputPreview,
  searchableText,
  splitIdeographs,
} from '../../rows/log-text.ts';
import { storableText } from '../../storable-text.ts';
import { toCount } from '../viewer/viewer-labels.ts';
import { toGroupWord, type ViewerStatements } from '../viewer/viewer-statements.ts';
import type { IndexedMessages } from './indexed-messages.ts';

const MAX_FACET_CHARACTERS = 40;
/** A longer name is no filter: the viewer could not ask for it. */
const MAX_NAME_CHARACTERS = 500;

interface Ranked {
  readonly text: string;
  readonly rank: string;
  readonly isError: boolean;
}

/** What the logs of the slice add to one summary. */
interface Additions {
  readonly facets: Set<string>;
  firstInput?: Ranked;
  lastOutput?: Ranked;
}

const SEARCHED_COLUMNS = ['inputs', 'messages', 'output', 'output_message', 'error'] as const;

type Facet = readonly [kind: string, value: string];

export class IndexSlice {
  readonly #statements: ViewerStatements;
  readonly #messages: IndexedMessages;
  readonly #additions = new Map<SqliteValue, Additions>();
  /** Keys of the summaries that changed; minus the key of a log that is in none. */
  readonly #changed = new Set<SqliteValue>();
  readonly #projects = new Map<SqliteValue, string>();
  readonly #configs = new Map<SqliteValue, SqliteRow>();
  readonly #counts: SqliteValue[][] = [];
  readonly #recounted: SqliteValue[] = [];
  readonly #hasUnsearchable: boolean;
  /** In all texts that were indexed. */
  characters = 0;

  constructor(statements: ViewerStatements, messages: IndexedMessages) {
    this.#statements = statements;
    this.#messages = messages;
    this.#hasUnsearchable = statements.hasUnsearchable.get() !== undefined;
  }

  /** For a session of which a log or feedback was deleted: all of its logs are indexed again. */
  resetSession(key: SqliteValue): void {
    this.#statements.clearFacets.run(key);
    this.#statements.clearTexts.run({ key });
    this.#statements.markLogsOfSession.run({ key });
    this.#statements.unmarkSession.run(key);
    this.#messages.forget(key);
    this.#changed.add(key);
  }

  add(key: SqliteValue): void {
    const row = this.#statements.readLogToIndex.get(key);
    if (!row) return;
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
    this.characters += text.length;
    this.#statements.writeText.run(key, text, toGroupWord(session === null ? -Number(key) : session));
    if (session !== null && messages !== null && isSearchedWhole(row))
      this.#messages.keepConversation(session, messages);
    if (this.#hasUnsearchable) this.#statements.clearUnsearchable.run(key);
    if (row['is_counted'] === 1) this.#recounted.push(key);
    this.#counts.push(toCount(key, row, config));
    const group = session ?? (row['parent_key'] === null ? -Number(key) : undefined);
    this.#changed.add(group ?? -Number(key));
    if (group === undefined) return;
    const added = this.#additions.get(group) ?? { facets: new Set() };
    this.#additions.set(group, added);
    for (const facet of facetsOf(row, project, config, labels.user)) added.facets.add(facet.join('\0'));
    const order = `${row['created_at']} ${String(key).padStart(16, '0')}`;
    const isFirst = !added.firstInput || order < added.firstInput.rank;
    if (isFirst) {
      const input = inputPreview(newMessages === messages ? texts : toTexts(row, config));
      if (input) added.firstInput = { text: storableText(input), rank: order, isError: false };
    }
    const isTop = row['parent_key'] === null && row['parent_reference_id'] === null;
    const rank = `${isTop ? 1 : 0} ${order}`;
    if (added.lastOutput && rank <= added.lastOutput.rank) return;
    const answer = outputPreview(texts);
    const output = answer ?? errorPreview(texts);
    if (output) added.lastOutput = { text: storableText(output), rank, isError: answer === undefined };
  }

  /** For a log whose writes were undone. */
  forget(key: SqliteValue): void {
    const session = this.#statements.findLogByKey.get(key)?.['session_key'];
    if (session) this.#messages.forget(session);
    this.#changed.add(session ?? -Number(key));
  }

  /** Returns the ids of the sessions that changed; null if they are more than `mostNamed`. */
  write(mostNamed: number): string[] | null {
    this.#writeCounts();
    const facetKeys = new Map<string, SqliteValue>();
    for (const [group, { facets, firstInput, lastOutput }] of this.#additions) {
      for (const name of facets) {
        const facet = facetKeys.get(name) ?? this.#facetKey(name.split('\0') as unknown as Facet);
        facetKeys.set(name, facet);
        this.#statements.addFacet.run(facet, group);
      }
      if (firstInput) this.#statements.setFirstInput.run(firstInput.text, firstInput.rank, group, firstInput.rank);
      if (lastOutput) {
        const { text, rank, isError } = lastOutput;
        this.#statements.setLastOutput.run(text, rank, isError ? 1 : 0, group, rank);
      }
    }
    for (const key of this.#changed) this.#statements.writeRank.run(key);
    if (this.#changed.size > mostNamed) return null;
    const ids = [...this.#changed].map((key) => this.#statements.findSummaryId.get(key)?.['id'] as string | null);
    return ids.filter((id) => id !== null);
  }

  /**
   * A statement with a trigger is a savepoint of its own, which writes the search index to the file: between two logs,
   * that takes far longer than the log itself.
   */
  #writeCounts(): void {
    for (const key of this.#recounted) this.#statements.clearCount.run(key);
    for (const count of this.#counts) this.#statements.writeCount.run(...count);
  }

  #facetKey([kind, value]: Facet): SqliteValue {
    const { findFacet, insertFacet } = this.#statements;
    return (findFacet.get(kind, value) ?? insertFacet.get(kind, value))!['key']!;
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

/** `messages` are those to take instead of the row's. */
export function toTexts(row: SqliteRow, config: SqliteRow = row, messages = row['messages']): LogTexts {
  return {
    inputs: parse(row['inputs']),
    messages: parse(messages),
    output: row['output'] as string | null,
    outputMessage: parse(row['output_message']),
    error: row['error'] as string | null,
    label: [config['label'], config['model']].filter(Boolean).join(' '),
  };
}

/** Whether all texts of the log are searched, however they are divided: its JSON is longer than they are. */
function isSearchedWhole(row: SqliteRow): boolean {
  let characters = 0;
  for (const column of SEARCHED_COLUMNS) characters += (row[column] as string | null)?.length ?? 0;
  return characters < MAX_SEARCHED_CHARACTERS;
}

/** JSON that is nested too deeply to be parsed is not searched. */
function parse(json: SqliteValue | undefined): unknown {
  return typeof json === 'string' ? (parseJson(json) ?? null) : null;
}

/** Of a row with `feedback` and `LABEL_COLUMNS`. */
export function labelsOf(row: SqliteRow): LogLabels {
  const feedback = JSON.parse(row['feedback'] as string);
  return toLabels({ metadata: row['metadata'], environment: row['environment'], source: row['source'], feedback });
}

function facetsOf(row: SqliteRow, project: string, config: SqliteRow, user: string | undefined): Facet[] {
  const facets: Facet[] = [['project', project]];
  if (config['type']) facets.push(['type', config['type'] as string]);
  if (config['model']) facets.push(['model', config['model'] as string]);
  if (row['error'] !== null) facets.push(['error', '*']);
  if (user !== undefined) facets.push(['user', user]);
  if (row['environment']) facets.push(['environment', row['environment'] as string]);
  for (const { type, value } of JSON.parse(row['feedback'] as string) as { type: string; value: unknown }[]) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    // Each comment is another one: the filter is by their type.
    const isOwn = type === 'comment' || text.length > MAX_FACET_CHARACTERS;
    facets.push(['feedback', '*'], ['feedback', isOwn ? type : `${type}: ${text}`]);
  }
  return facets
    .filter(([, value]) => value.length <= MAX_NAME_CHARACTERS)
    .map(([kind, value]) => [kind, storableText(value)]);
}
