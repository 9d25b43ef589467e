/**
 * Which texts may be structure: names, ids and words of a fixed set, by their form.
 *
 * A field of structure is no promise that a source puts only structure into it: a server may answer with a reason in whole
 * sentences, an error class may be the message, and a span may be named after its prompt. So without content a text stays
 * only where it also looks like what its field has.
 */
import type { Reading } from '../conventions/convention.ts';
import { messageText } from '../wire/message-text.ts';

const MAX_WORD_CHARS = 32;
const MAX_TOKEN_CHARS = 256;
const MAX_NAME_CHARS = 128;

const WORD = /^[a-z]+(?:[_-][a-z]+)*$/i;
/** Neither spaces nor what JSON is made of. */
const TOKEN = /^[^\s{}[\]"]+$/;
/** One line without JSON. Braces have only what a template or a route has in them: `GET /users/{id}`. */
const NAME = /^(?:[^\n\r{}"]|\{[^\s{}"',]{1,64}\})+$/;
/** Names of models may have spaces, and most of these have a version: `Llama 3.1 8B (local)`. */
const MODEL = /^(?=.*\d)[\w.:/()-]+(?: [\w.:/()-]+){0,5}$/;
const MAX_MODEL_CHARS = 64;
/** Scripts that put no spaces between words, with their punctuation: a whole sentence looks like one word. */
const UNSPACED = String.raw`[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\uff00-\uffef]`;
const unspaced = (minChars: number) => new RegExp(`${UNSPACED}{${minChars}}`, 'u');
const UNSPACED_WORDS = unspaced(4);
const UNSPACED_PHRASE = unspaced(9);
const UNSPACED_SENTENCE = unspaced(25);

/** Whether the text may be a word of a fixed set: `tool_calls`, `max-tokens`. */
export function isWord(text: string): boolean {
  return text.length <= MAX_WORD_CHARS && WORD.test(text);
}

/** Whether the text may be an id, a model, a class: `gpt-4o`, `System.IO.IOException`. */
export function isToken(text: string): boolean {
  return text.length <= MAX_TOKEN_CHARS && TOKEN.test(text) && !UNSPACED_PHRASE.test(text);
}

/** Whether the text may be the name of an agent, a tool or a prompt, which can have spaces. */
export function isName(text: string): boolean {
  return text.length <= MAX_NAME_CHARS && NAME.test(text) && !UNSPACED_SENTENCE.test(text);
}

/** Whether the text may be the name of a model. */
export function isModel(text: string): boolean {
  return isToken(text) || (text.length <= MAX_MODEL_CHARS && MODEL.test(text));
}

/**
 * Whether a name is words of the prompt or the answer, such as the description of a task. Single words are names, and so is
 * what the source itself calls the agent or the tool, which prompts name, too. Few words may be in any text.
 */
export function saysContent(name: string, reading: Reading): boolean {
  const said = [name, name.slice(name.indexOf(' ') + 1), name.replace(/\.\w+$/, '')]
    .map((words) => words.replace(/(?:\.{3}|…)$/, '').trim())
    .filter((words) => words !== reading.name && hasWords(words));
  if (said.length === 0) return false;
  const phrases = said.filter(isPhrase);
  return contentTexts(reading).some(
    (text) =>
      name.includes(text) ||
      said.some((words) => text.startsWith(words)) ||
      phrases.some((words) => text.includes(words)),
  );
}

function hasWords(text: string): boolean {
  return /\S\s+\S/.test(text) || UNSPACED_WORDS.test(text);
}

const MIN_WORDS = 4;

function isPhrase(text: string): boolean {
  return text.split(/\s+/).length >= MIN_WORDS || UNSPACED_WORDS.test(text);
}

/** Texts of more than one word. */
function contentTexts({
  name,
  inputs,
  messages,
  output,
  outputMessage,
  promptTemplate,
  description,
}: Reading): string[] {
  const texts = [output, promptTemplate, description, messageText(outputMessage), ...textsIn(inputs)];
  for (const message of messages ?? []) texts.push(messageText(message));
  return texts.filter((text): text is string => typeof text === 'string' && text !== name && hasWords(text));
}

const MAX_DEPTH = 8;

function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return [];
  return Object.values(value).flatMap((inner) => textsIn(inner, depth + 1));
}
