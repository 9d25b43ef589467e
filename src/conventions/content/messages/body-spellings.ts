/**
 * Bodies of requests and answers in the spellings of other languages → the names that the readers of bodies know.
 *
 * - .NET and Go write the names of fields as their code does: `{ Choices: [{ Message: { Role, Content } }], Usage: { PromptTokens } }`.
 *   So do their SDKs for Bedrock (`converse.ts`).
 * - Lisps join words with hyphens: `finish-reason`.
 */
import { isObject } from '../../../wire/json.ts';
import { fromConverse } from '../parts/converse.ts';
import { fromJavaAnswer } from './java-answers.ts';
import { withSnakeNames } from './spellings.ts';

type Fields = Record<string, unknown>;

const CONTENTS = ['Choices', 'Candidates', 'Messages', 'Contents', 'Output', 'Content'] as const;
/** What is beside the contents in a body. */
const OTHERS = ['Id', 'Model', 'ModelId', 'Object', 'Usage', 'UsageMetadata', 'StopReason', 'FinishReason'] as const;
/** Where an answer has words in its names. */
const WORDY = ['choices', 'candidates', 'usage'] as const;

/** Returns any other value as it is: a message, data of the app, and what a model said. */
export function withKnownNames<T>(value: T): T | Fields {
  if (!isObject(value)) return value;
  const javas = fromJavaAnswer(value);
  if (javas) return javas;
  const isCapital = hasCapitals(value);
  if (!isCapital && !hasHyphens(value)) return value;
  const converse = isCapital ? (fromConverse(value) ?? fromLangChainGo(value)) : undefined;
  if (isCapital && !converse && !isCapitalised(value)) return value;
  const known = KNOWN.get(value) ?? converse ?? withSnakeNames(value);
  KNOWN.set(value, known);
  return known;
}

/** Several readers ask for the same body. */
const KNOWN = new WeakMap<Fields, Fields>();

function hasCapitals(body: Fields): boolean {
  for (const key in body) if (!/^[A-Z]/.test(key)) return false;
  return true;
}

function isCapitalised(body: Fields): boolean {
  return hasAnyOf(body, OTHERS) && CONTENTS.some((key) => areItems(body[key]));
}

/** Reads langchaingo's `{ Choices: [{ Content, StopReason, GenerationInfo }] }`, with the tokens in the first one. */
function fromLangChainGo({ Choices: list, ...others }: Fields): Fields | undefined {
  if (!Array.isArray(list) || list.length === 0 || !list.every(isLangChainGos)) return undefined;
  const choices = list.map(({ StopReason: reason, GenerationInfo: _info, ...message }) => {
    return { message: { ...withSnakeNames(message), role: 'assistant' }, finish_reason: reason };
  });
  const usage: unknown = list[0]?.['GenerationInfo'];
  return { ...withSnakeNames(others), choices, ...(isObject(usage) && { usage: withSnakeNames(usage) }) };
}

function isLangChainGos(choice: unknown): choice is Fields {
  return isObject(choice) && typeof choice['Content'] === 'string' && 'StopReason' in choice;
}

/** A text is the content of a message, which has spellings of its own. */
function areItems(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every((item) => isObject(item) && isItem(item));
}

/** Whether this is a choice, a candidate, a message, or a block: rows of an app, and of a model, may have some of these names. */
function isItem({ Message, Delta = Message, Content, Role, Type, ...others }: Fields): boolean {
  if (isObject(Delta) || isObject(Content)) return true;
  if (typeof Type === 'string') return ITEM_TYPES.has(Type);
  return (
    typeof Role === 'string' && ROLES.has(Role) && (Content ?? others['ToolCalls'] ?? others['Parts']) !== undefined
  );
}

const ROLES: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'model']);
const ITEM_TYPES: ReadonlySet<string> = new Set([
  ...['message', 'text', 'thinking', 'tool_use', 'tool_result', 'reasoning', 'function_call', 'function_call_output'],
]);

function hasAnyOf(fields: Fields, keys: readonly string[]): boolean {
  return keys.some((key) => fields[key] !== undefined);
}

const HYPHENATED = /^(?:(?:finish|stop)-reason|tool-calls|(?:prompt|completion|input|output|total)-token(?:s|-count))$/;

function hasHyphens(body: Fields): boolean {
  return WORDY.some((key) => {
    const value = body[key];
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return isObject(first) && (hasHyphen(first) || (isObject(first['message']) && hasHyphen(first['message'])));
  });
}

function hasHyphen(fields: Fields): boolean {
  for (const key in fields) if (HYPHENATED.test(key)) return true;
  return false;
}
