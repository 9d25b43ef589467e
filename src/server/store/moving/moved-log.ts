/** A log of the file as PostgreSQL has it: its rows, and what it adds to its session. Pure. */
import type { SqliteRow } from '../../../sqlite/open.ts';
import { parseJson } from '../../../wire/json.ts';
import { toSqlTime, type Value } from '../postgres/tables/connection.ts';
import { type LogPlace, placeOf } from '../postgres/tables/identifiers.ts';
import type { Key } from '../postgres/tables/keys.ts';
import {
  type ConfigFacts,
  type Facet,
  facetsOf,
  type LogColumns,
  rankedTexts,
  toTexts,
  wordsOf,
} from '../postgres/tables/log-facts.ts';
import type { NewWord } from '../postgres/tables/words.ts';
import { LOGS } from '../postgres/writing/log-rows.ts';
import { addSeconds, plus, type SumPart } from '../postgres/writing/session-sums.ts';
import { GIVEN_COLUMNS } from '../rows/log-row.ts';
import { storableText } from '../storable-text.ts';
import { toTimestamp } from '../timestamps.ts';
import { feedbackIdsOf, logIdOf } from './ids.ts';
import { configKeyOf } from './move-catalog.ts';

export const MOVED_LOGS = {
  table: LOGS.table,
  name: 'moved logs',
  columns: [...LOGS.columns, 'parent_cut'],
};

export interface MovedLog {
  readonly place: LogPlace;
  readonly referenceId: string | null;
  /** Of the parent that it names, where there is no such log in the file. */
  readonly awaits: string | null;
  readonly project: number;
  readonly row: SqliteRow;
  readonly columns: LogColumns;
  readonly config: ConfigFacts | undefined;
  readonly feedback: readonly MovedFeedback[];
}

export interface MovedFeedback {
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly value: string;
  readonly user: string | null;
  readonly createdAt: string;
}

/** `row` is one of `listLogs`, `feedback` those of `listFeedback`. */
export function toMovedLog(row: SqliteRow, feedback: readonly SqliteRow[], project: number): MovedLog {
  const clean: SqliteRow = {};
  for (const [name, value] of Object.entries(row))
    clean[name] = typeof value === 'string' ? storableText(value) : value;
  const id = logIdOf(clean['id'] as string, clean['updated_at'] as string);
  const isWaiting = clean['parent_key'] === null && clean['named_key'] === null;
  const ids = feedbackIdsOf(feedback);
  return {
    ...{ place: placeOf(id)!, referenceId: clean['reference_id'] as string | null, project, row: clean },
    awaits: isWaiting ? (clean['parent_reference_id'] as string | null) : null,
    columns: { ...clean, trace: clean['trace_id'] as string | null } as LogColumns,
    config:
      clean['config_id'] === null
        ? undefined
        : {
            type: clean['config_type'] as string,
            model: clean['config_model'] as string | null,
            label: clean['config_label'] as string | null,
          },
    feedback: feedback.map((entry, index) => ({
      ...{
        id: ids[index]!,
        type: storableText(entry['type'] as string),
        value: storableText(entry['value'] as string),
      },
      user: entry['user'] === null ? null : storableText(entry['user'] as string),
      createdAt: entry['created_at'] as string,
    })),
  };
}

/** The values of `MOVED_LOGS`. A link that would close a circle was left out in the file, and is here. */
export function toMovedValues({ place, referenceId, project, row }: MovedLog, session: Key): Value[] {
  const parentReference = row['parent_reference_id'] as string | null;
  const byId = parentReference === null && row['parent_id'] !== null;
  const isCut = row['parent_key'] === null && row['named_key'] !== null;
  return [
    ...[place.day, place.bucket, place.id, referenceId, session.key, row['session_id'] !== null, project],
    row['config_id'] === null ? null : configKeyOf(row['config_id'] as string),
    byId ? logIdOf(row['parent_id'] as string, row['parent_updated_at'] as string) : null,
    ...[parentReference, timeOf(row), toSqlTime(row['updated_at'] as string), row['save'] === 1],
    ...([row['trace_id'], row['called'], ...GIVEN_COLUMNS.map((column) => row[column])] as Value[]),
    isCut,
  ];
}

export function wordsOfMoved({ columns, config, feedback }: MovedLog, onNew: NewWord): Set<number> {
  return wordsOf(columns, toTexts(columns, config), factsOf(feedback), onNew);
}

export function facetsOfMoved({ columns, config, feedback }: MovedLog): Facet[] {
  return facetsOf(columns, config, factsOf(feedback));
}

export function sumPartOf({ place, row, columns, config }: MovedLog): SumPart {
  const number = (column: string) => row[column] as number | null;
  const isTop = row['parent_reference_id'] === null && row['parent_id'] === null;
  const createdAt = toTimestamp(row['created_at'] as string) ?? (row['updated_at'] as string);
  const isRunning = row['duration'] === null && row['output'] === null && row['error'] === null;
  const sessionId = row['session_id'] as string | null;
  const sessionReference = row['session_reference_id'] as string | null;
  return {
    ...{ day: place.day, logs: 1, errors: Number(row['error'] !== null), running: Number(isRunning) },
    ...{ promptTokens: number('prompt_tokens'), outputTokens: number('output_tokens') },
    ...{ cost: plus(number('prompt_cost'), number('output_cost')), updatedAt: row['updated_at'] as string },
    ...{ startedAt: createdAt, endedAt: addSeconds(createdAt, number('duration')) },
    ...rankedTexts(toTexts(columns, config), { id: place.id, createdAt, isTop }),
    ...(sessionId !== null ? { id: sessionId } : isTop && { logId: place.id }),
    ...(sessionReference !== null && { referenceId: sessionReference }),
  };
}

/** Files of early versions have times that are none. */
function timeOf(row: SqliteRow): string {
  return toSqlTime(toTimestamp(row['created_at'] as string) ?? (row['updated_at'] as string));
}

function factsOf(feedback: readonly MovedFeedback[]) {
  return feedback.map(({ type, value }) => ({ type, value: parseJson(value) }));
}
