/** What the index takes of a log's row: its texts, its labels, and the values of the filters that find it. */
import type { SqliteRow, SqliteValue } from '../../../../sqlite/open.ts';
import { parseJson } from '../../../../wire/json.ts';
import { type LogLabels, toLabels } from '../../rows/log-labels.ts';
import { type LogTexts, MAX_SEARCHED_CHARACTERS } from '../../rows/log-text.ts';
import { storableText } from '../../storable-text.ts';

const MAX_FACET_CHARACTERS = 40;
/** A longer name is no filter: the viewer could not ask for it. */
const MAX_NAME_CHARACTERS = 500;
const SEARCHED_COLUMNS = ['inputs', 'messages', 'output', 'output_message', 'error'] as const;

type Facet = readonly [kind: string, value: string];

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
export function isSearchedWhole(row: SqliteRow): boolean {
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

export function facetsOf(row: SqliteRow, project: string, config: SqliteRow, user: string | undefined): Facet[] {
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
