/** Takes the words of a log for the search index, and for the one line that a list shows. Pure. */
import { isObject } from '../../../wire/json.ts';
import { findFirstMatch } from '../word-matches.ts';

/** The rest is not searched: one log must not hold up the others. Each value counts for at least one character. */
export const MAX_SEARCHED_CHARACTERS = 200_000;
/** A longer list of numbers is an embedding or other data, in which nobody looks for words. */
const MAX_SEARCHED_NUMBERS = 16;
const MAX_PREVIEW_CHARACTERS = 240;
/** Spaces are collapsed, so that a preview reads more than it shows. */
const PREVIEW_READS = 4 * MAX_PREVIEW_CHARACTERS;
const MAX_DEPTH = 20;
/** To remember a shorter text of a message takes longer than to index it again. */
const LONG_CHARACTERS = 20;

export interface LogTexts {
  readonly inputs: unknown;
  readonly messages: unknown;
  readonly output: string | null;
  readonly outputMessage: unknown;
  readonly error: string | null;
  readonly label: string;
}

/** Returns the words of `plainText` as the index has them. */
export function searchableText(log: LogTexts, isWanted?: (text: string) => boolean): string {
  return splitIdeographs(plainText(log, isWanted));
}

/**
 * Returns all texts of inputs, messages, output and error, with the config's name and model. Long texts of messages for
 * which `isWanted` is false are left out.
 */
export function plainText(log: LogTexts, isWanted?: (text: string) => boolean): string {
  const texts: string[] = [log.label];
  let left = MAX_SEARCHED_CHARACTERS;
  let isMessage = false;
  const take = (value: unknown, depth: number): void => {
    if (left <= 0 || depth > MAX_DEPTH) return;
    left -= 1;
    if (typeof value === 'string') {
      if (isData(value)) return;
      const text = value.slice(0, left);
      left -= value.length;
      if (!isMessage || !isWanted || text.length < LONG_CHARACTERS || isWanted(text)) texts.push(text);
    } else if (typeof value === 'number') {
      const text = String(value);
      texts.push(text);
      left -= text.length;
    } else if (Array.isArray(value)) {
      if (!isVector(value)) for (const item of value) take(item, depth + 1);
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        if (left <= 0) return;
        if (key !== 'role' && key !== 'type') take(value[key], depth + 1);
      }
    }
  };
  // Newest words first, in case not all of them fit.
  take(log.error, 0);
  take(log.output, 0);
  if (!log.output) take(log.outputMessage, 0);
  take(log.inputs, 0);
  isMessage = true;
  if (Array.isArray(log.messages)) {
    for (let index = log.messages.length - 1; index >= 0 && left > 0; index -= 1) take(log.messages[index], 0);
  }
  return texts.join('\n');
}

/**
 * Chinese and Japanese have no spaces, so a sentence would be one word. Each character becomes a word, and a search for
 * several of them a phrase. Both the index and the search are split by this.
 */
export function splitIdeographs(text: string): string {
  return /[\u3040-\u30ff\u3400-\u9fff]/.test(text) ? text.replaceAll(/[\u3040-\u30ff\u3400-\u9fff]/g, ' $& ') : text;
}

/** Returns what was asked: the last message of the user, else the inputs. */
export function inputPreview({ inputs, messages }: Pick<LogTexts, 'inputs' | 'messages'>): string | undefined {
  const asked = Array.isArray(messages) ? messages.findLast((message) => message?.role === 'user') : undefined;
  const text = contentText(asked?.content) || inputsText(inputs);
  return text ? preview(text) : undefined;
}

/** Returns what was answered. */
export function outputPreview({
  output,
  outputMessage,
}: Pick<LogTexts, 'output' | 'outputMessage'>): string | undefined {
  const message = outputMessage as { content?: unknown } | null;
  const text = output || contentText(message?.content);
  return text ? preview(text) : undefined;
}

/** Returns the error, for a log that failed instead. */
export function errorPreview({ error }: Pick<LogTexts, 'error'>): string | undefined {
  return error ? preview(error) : undefined;
}

/** Returns the words around the first match of any term; the beginning if there is no match. */
export function excerpt(text: string, terms: readonly string[]): string {
  const start = Math.max(0, findFirstMatch(text, terms) - 60);
  return (start > 0 ? '…' : '') + preview(text.slice(start, start + PREVIEW_READS));
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  let text = '';
  for (const part of content) {
    if (typeof part?.text === 'string') text += text === '' ? part.text : ` ${part.text}`;
    if (text.length > PREVIEW_READS) break;
  }
  return text;
}

/** Returns the only text, or one whose name says that it is the question, else all inputs as JSON. */
function inputsText(inputs: unknown): string {
  if (!isObject(inputs)) return '';
  const names = Object.keys(inputs);
  if (names.length === 0) return '';
  for (const name of ['prompt', 'question', 'query', 'input']) {
    if (typeof inputs[name] === 'string') return inputs[name];
  }
  const only = inputs[names[0]!];
  return names.length === 1 && typeof only === 'string' ? only : beginningOfJson(inputs);
}

/** Returns the value as JSON, as far as a preview reads it: to write all of a large one would take too long. */
function beginningOfJson(value: unknown): string {
  let text = '';
  const write = (part: unknown, depth: number): void => {
    if (text.length > PREVIEW_READS) return;
    if (typeof part === 'string') text += JSON.stringify(part.slice(0, PREVIEW_READS));
    else if (typeof part !== 'object' || part === null) text += JSON.stringify(part);
    else if (depth > MAX_DEPTH) text += '…';
    else if (Array.isArray(part)) {
      text += '[';
      for (let index = 0; index < part.length && text.length <= PREVIEW_READS; index += 1) {
        if (index > 0) text += ',';
        write(part[index], depth + 1);
      }
      text += ']';
    } else {
      let before = '{';
      for (const key of Object.keys(part)) {
        if (text.length > PREVIEW_READS) return;
        text += `${before}${JSON.stringify(key.slice(0, PREVIEW_READS))}:`;
        write((part as Record<string, unknown>)[key], depth + 1);
        before = ',';
      }
      text += before === '{' ? '{}' : '}';
    }
  };
  write(value, 0);
  return text;
}

function isVector(values: readonly unknown[]): boolean {
  return values.length > MAX_SEARCHED_NUMBERS && values.every((value) => typeof value === 'number');
}

function preview(text: string): string {
  // Nearly always, a part of what it may read is enough: where more of it follows, the line is cut within it.
  const beginning = toLine(text.slice(0, PREVIEW_READS / 3));
  const line = beginning.length > MAX_PREVIEW_CHARACTERS ? beginning : toLine(text.slice(0, PREVIEW_READS));
  // A surrogate pair that the cut would halve is replaced: half of one is not text.
  return line.length > MAX_PREVIEW_CHARACTERS ? `${line.slice(0, MAX_PREVIEW_CHARACTERS - 1).toWellFormed()}…` : line;
}

/** Each space of the usual kind stays as it is, which is all that most texts have. */
function toLine(text: string): string {
  return (/\s\s|[^\S ]/.test(text) ? text.replaceAll(/\s+/g, ' ') : text).trim();
}

/** Whether the text is an image or another file, and so has no words. */
function isData(text: string): boolean {
  return text.startsWith('data:') && text.slice(0, 100).includes(';base64,');
}
