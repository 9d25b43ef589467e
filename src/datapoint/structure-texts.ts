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
const NAME = /^[^\n\r{}"]+$/;

/** Whether the text may be a word of a fixed set: `tool_calls`, `max-tokens`. */
export function isWord(text: string): boolean {
  return text.length <= MAX_WORD_CHARS && WORD.test(text);
}

/** Whether the text may be an id, a model, a class: `gpt-4o`, `System.IO.IOException`. */
export function isToken(text: string): boolean {
  return text.length <= MAX_TOKEN_CHARS && TOKEN.test(text);
}

/** Whether the text may be the name of an agent, a tool or a prompt, which can have spaces. */
export function isName(text: string): boolean {
  return text.length <= MAX_NAME_CHARS && NAME.test(text);
}

/** Whether a name is words of the prompt or the answer, such as the description of a task. Single words are names. */
export function saysContent(name: string, reading: Reading): boolean {
  const said = [name, name.slice(name.indexOf(' ') + 1), name.replace(/\.\w+$/, '')]
    .map((words) => words.replace(/(?:\.{3}|…)$/, '').trim())
    .filter(hasSpace);
  if (said.length === 0) return false;
  return contentTexts(reading).some((text) => said.some((words) => text.includes(words)) || name.includes(text));
}

function hasSpace(text: string): boolean {
  return /\S\s+\S/.test(text);
}

/** Texts of more than one word. */
function contentTexts({ inputs, messages, output, outputMessage, promptTemplate, description }: Reading): string[] {
  const texts = [output, promptTemplate, description, messageText(outputMessage), ...Object.values(inputs ?? {})];
  for (const message of messages ?? []) texts.push(messageText(message));
  return texts.filter((text): text is string => typeof text === 'string' && hasSpace(text));
}
