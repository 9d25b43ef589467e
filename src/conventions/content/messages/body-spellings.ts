/**
 * Bodies of requests and answers in the spellings of other languages → the names that the readers of bodies know.
 *
 * - .NET and Go write the names of fields as their code does: `{ Choices: [{ Message: { Role, Content } }], Usage: { PromptTokens } }`.
 * - Lisps join words with hyphens: `finish-reason`.
 */
import { isObject } from '../../../wire/json.ts';
import { withSnakeNames } from './spellings.ts';

type Fields = Record<string, unknown>;

const CONTENTS = ['Choices', 'Candidates', 'Messages', 'Contents', 'Output', 'Content'] as const;
/** What each of them has in its items. */
const ITEM_KEYS = ['Message', 'Delta', 'Role', 'Type', 'Content', 'FinishReason'] as const;
/** What is beside the contents in a body. */
const OTHERS = ['Id', 'Model', 'ModelId', 'Object', 'Usage', 'UsageMetadata', 'StopReason', 'FinishReason'] as const;
/** Where an answer has words in its names. */
const WORDY = ['choices', 'candidates', 'usage'] as const;

/** Returns any other value as it is: a message, data of the app, and what a model said. */
export function withKnownNames(value: unknown): unknown {
  if (!isObject(value)) return value;
  return isCapitalised(value) || hasHyphens(value) ? withSnakeNames(value) : value;
}

function isCapitalised(body: Fields): boolean {
  for (const key in body) if (!/^[A-Z]/.test(key)) return false;
  return hasAnyOf(body, OTHERS) && CONTENTS.some((key) => areItems(body[key]));
}

/** A text is the content of a message, which has spellings of its own. */
function areItems(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every((item) => isObject(item) && hasAnyOf(item, ITEM_KEYS));
}

function hasAnyOf(fields: Fields, keys: readonly string[]): boolean {
  return keys.some((key) => fields[key] !== undefined);
}

function hasHyphens(body: Fields): boolean {
  return WORDY.some((key) => {
    const value = body[key];
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return isObject(first) && (hasHyphen(first) || (isObject(first['message']) && hasHyphen(first['message'])));
  });
}

function hasHyphen(fields: Fields): boolean {
  for (const key in fields) if (key.includes('-')) return true;
  return false;
}
