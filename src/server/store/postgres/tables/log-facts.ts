/** What is derived from a log when it is written: words, facets, and the texts that a list shows. Pure. */
import { parseJson } from '../../../../wire/json.ts';
import { toLabels } from '../../rows/log-labels.ts';
import { errorPreview, inputPreview, type LogTexts, outputPreview, plainText } from '../../rows/log-text.ts';
import { storableText } from '../../storable-text.ts';
import { type NewWord, toWords } from './words.ts';

/** `session_facets.kind`. Names of projects are not here, since projects are renamed. */
export const FACETS = { model: 1, type: 2, error: 3, feedback: 4, user: 5, environment: 6, trace: 7 } as const;

export type Facet = readonly [kind: number, value: string];

const MAX_FACET_CHARACTERS = 40;
/** A longer name is no filter: the viewer could not ask for it. */
const MAX_NAME_CHARACTERS = 500;

/** JSON as text, or what it says. */
type Json = string | object | null | undefined;

/** Columns of a log, or a part of them. */
export interface LogColumns {
  readonly inputs?: Json;
  readonly messages?: Json;
  readonly output?: string | null | undefined;
  readonly output_message?: Json;
  readonly error?: string | null | undefined;
  readonly metadata?: Json;
  readonly environment?: string | null | undefined;
  readonly source?: string | null | undefined;
  readonly trace?: string | null | undefined;
}

export interface ConfigFacts {
  readonly type: string;
  readonly model: string | null;
  readonly label: string | null;
}

export interface FeedbackFacts {
  readonly type: string;
  readonly value: unknown;
}

export function toTexts(log: LogColumns, config?: ConfigFacts): LogTexts {
  return {
    inputs: parse(log.inputs),
    messages: parse(log.messages),
    output: log.output ?? null,
    outputMessage: parse(log.output_message),
    error: log.error ?? null,
    label: [config?.label, config?.model].filter(Boolean).join(' '),
  };
}

/** JSON that is nested too deeply to be parsed is not searched. */
function parse(json: Json): unknown {
  return typeof json === 'string' ? (parseJson(json) ?? null) : (json ?? null);
}

export function labelsOf(log: LogColumns, feedback: readonly FeedbackFacts[]) {
  const { metadata, environment, source } = log;
  return toLabels({ metadata, environment, source, feedback });
}

export function wordsOf(
  log: LogColumns,
  texts: LogTexts,
  feedback: readonly FeedbackFacts[],
  onNew: NewWord,
): Set<number> {
  return toWords(labelsOf(log, feedback).words, toWords(plainText(texts), undefined, onNew), onNew);
}

export function facetsOf(
  log: LogColumns,
  config: ConfigFacts | undefined,
  feedback: readonly FeedbackFacts[],
): Facet[] {
  const facets: Facet[] = [];
  if (config) facets.push([FACETS.type, config.type]);
  if (config?.model) facets.push([FACETS.model, config.model]);
  if (typeof log.error === 'string') facets.push([FACETS.error, '*']);
  const { user } = labelsOf(log, []);
  if (user !== undefined) facets.push([FACETS.user, user]);
  if (log.environment) facets.push([FACETS.environment, log.environment]);
  if (log.trace) facets.push([FACETS.trace, log.trace]);
  for (const { type, value } of feedback) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    // Each comment is another one: the filter is by their type.
    const isOwn = type === 'comment' || text.length > MAX_FACET_CHARACTERS;
    facets.push([FACETS.feedback, '*'], [FACETS.feedback, isOwn ? type : `${type}: ${text}`]);
  }
  return facets
    .filter(([, value]) => value.length <= MAX_NAME_CHARACTERS)
    .map(([kind, value]) => [kind, storableText(value)]);
}

export interface RankedTexts {
  readonly firstInput: string | undefined;
  readonly firstInputRank: string | undefined;
  readonly lastOutput: string | undefined;
  readonly lastOutputRank: string | undefined;
  readonly lastIsError: boolean | undefined;
}

/** A log at the top has the last word of its session. */
export function rankedTexts(
  texts: LogTexts,
  { id, createdAt, isTop }: { id: string; createdAt: string; isTop: boolean },
): RankedTexts {
  const order = `${createdAt} ${id}`;
  const input = inputPreview(texts);
  const answer = outputPreview(texts);
  const output = answer ?? errorPreview(texts);
  return {
    firstInput: input ? storableText(input) : undefined,
    firstInputRank: input ? order : undefined,
    lastOutput: output ? storableText(output) : undefined,
    lastOutputRank: output ? `${isTop ? 1 : 0} ${order}` : undefined,
    lastIsError: output ? answer === undefined : undefined,
  };
}
