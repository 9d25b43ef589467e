/** The logs of a turn before they are written: what requests with one reference have in common is put together. Pure. */
import type { LogRequest, LogUpdate } from '../../../../wire/v4.ts';
import { CONTENT_COLUMNS, GIVEN_COLUMNS, type LogRow } from '../../rows/log-row.ts';
import { storableText } from '../../storable-text.ts';
import type { KeyedConfig } from './catalog.ts';
import { newLogId } from './identifiers.ts';
import type { Key, Uuid } from './keys.ts';
import type { Project } from './project-rows.ts';

export interface EncodedLog {
  readonly request: LogRequest;
  readonly row: LogRow;
}

export interface FeedbackDraft {
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly value: string;
  readonly user: string | null;
  readonly createdAt: string;
}

/** A log by id, or by a reference that need not be known. */
export interface ParentDraft {
  readonly id: string | null;
  readonly referenceId: string | null;
  /** Where the log that `id` names is. */
  readonly session?: Uuid;
}

export const NO_PARENT: ParentDraft = { id: null, referenceId: null };

/** What a request says of a log, once everything that it names is found. */
export interface CheckedLog extends EncodedLog {
  readonly project: Project;
  /** Of the session that it names. */
  readonly session?: (Key & { readonly referenceId?: string }) | undefined;
  readonly parent: ParentDraft;
  readonly config?: KeyedConfig | undefined;
  readonly feedback: readonly FeedbackDraft[];
}

/** What `updateLog` gives. */
export interface Forced {
  output?: string;
  error?: string;
  duration?: number;
}

type Column = (typeof GIVEN_COLUMNS)[number];
type Value = LogRow['given'][number];
type Given = Record<Column, Value>;

const CONTENT: ReadonlySet<string> = new Set(CONTENT_COLUMNS);

/** JSON whose texts are searched and listed. */
const READ_COLUMNS = ['inputs', 'messages', 'output_message', 'metadata'] as const;
type ReadColumn = (typeof READ_COLUMNS)[number];

export class Draft {
  readonly referenceId: string | null;
  readonly project: Project;
  readonly save: boolean;
  readonly createdAt: string;
  readonly given: Given;
  readonly forced: Forced = {};
  trace: string | null;
  called: string | null;
  session: (Key & { readonly referenceId?: string }) | undefined;
  parent: ParentDraft;
  config: KeyedConfig | undefined;
  feedback: readonly FeedbackDraft[];
  /** Under which session it is stored: the one that it names, or that of its parents. */
  group: Key | undefined;
  /** Of the group of a log that names no session; null if that is not known. */
  groupHasId: false | null = null;
  /** Given with its place, and kept when the turn is repeated. */
  id!: string;
  /** What the JSON of `given` says, which nobody has to parse again. */
  readonly #said: Partial<Record<ReadColumn, object | string>> = {};

  constructor({ request, row, project, session, parent, config, feedback }: CheckedLog) {
    this.referenceId = request.reference_id ? storableText(request.reference_id) : null;
    this.project = project;
    this.save = row.save === 1;
    this.createdAt = row.createdAt;
    this.given = toGiven(row.given);
    this.#sayWhatIsGiven(request);
    this.trace = row.traceId;
    this.called = row.called;
    this.session = session;
    this.parent = parent;
    this.config = config;
    this.feedback = feedback;
  }

  /** Its id has the bucket of its group, and sorts above those that were given before. */
  place(group: Key, groupHasId: false | null): void {
    this.group = group;
    this.groupHasId = groupHasId;
    this.id = newLogId(group.bucket);
  }

  /** For a second report of the same call in one turn: keeps what is there and adds what was missing. */
  complete(other: CheckedLog): void {
    for (const [index, column] of GIVEN_COLUMNS.entries()) {
      if (this.save || !CONTENT.has(column)) this.given[column] ??= other.row.given[index]!;
    }
    this.#sayWhatIsGiven(other.request);
    this.trace ??= other.row.traceId;
    if (this.save) this.called ??= other.row.called;
    this.session ??= other.session;
    if (this.parent.id === null && this.parent.referenceId === null) this.parent = other.parent;
    this.config ??= other.config;
    if (this.feedback.length === 0) this.feedback = other.feedback;
  }

  #sayWhatIsGiven(request: LogRequest): void {
    for (const column of READ_COLUMNS) {
      if (this.given[column] === null) continue;
      const said = request[column];
      this.#said[column] ??= typeof said === 'object' && said !== null ? said : (this.given[column] as string);
    }
  }

  /** What a column says, or its JSON. */
  readOf(column: ReadColumn): object | string | null {
    return this.#said[column] ?? null;
  }

  update(update: LogUpdate): void {
    Object.assign(this.forced, toForced(update));
  }

  /** As a new log has it. */
  valueOf(column: Column): Value {
    const forced = (this.forced as Partial<Record<string, string | number>>)[column];
    if (forced === undefined || (!this.save && CONTENT.has(column))) return this.given[column];
    return forced;
  }
}

/** By name. */
function toGiven(values: LogRow['given']): Given {
  return Object.fromEntries(GIVEN_COLUMNS.map((column, index) => [column, values[index]!])) as Given;
}

export function toForced(update: LogUpdate): Forced {
  const forced: Forced = {};
  if (typeof update.output === 'string') forced.output = storableText(update.output);
  if (typeof update.error === 'string') forced.error = storableText(update.error);
  if (typeof update.duration === 'number') forced.duration = update.duration;
  return forced;
}
