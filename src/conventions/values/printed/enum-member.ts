/** Members of enums, as languages print them: `Role.USER`, `<Role.USER: 'user'>`, `Role::User`, `{"Label":"user"}`. */
import { isObject } from '../../../wire/json.ts';

const QUALIFIED = /^(?:[\w$]+(?:\.|::|\/))*([\w-]+)$/;
/** As Python's `repr` prints it. */
const IN_ANGLES = /^<(?:\w+\.)+(\w+)(?:: .*)?>$/;

/** As JSON. */
const IN_QUOTES = /^"([^"\\]*)"$/;

/**
 * Returns the word that a constant of an enum stands for, in lower case with `_` between words: `chat` for `CHAT`, `Chat` and
 * `Operations.CHAT`. Other words and qualified names, which may be the app's own, stay as they are.
 */
export function constantOf(value: string): string {
  const word = value.trim().replace(IN_QUOTES, '$1');
  const name = memberOf(word);
  if (name === undefined) return value;
  const isUpper = name === name.toUpperCase();
  if (name !== word && !isUpper) return word;
  return isUpper ? name.toLowerCase() : name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
}

/** Returns the name of the member, or a plain word as it is; undefined if the value is neither. */
export function memberOf(value: unknown): string | undefined {
  const member = isObject(value) ? (value['Label'] ?? value['label'] ?? value['value']) : value;
  if (typeof member !== 'string') return undefined;
  const text = member.trim().replace(IN_QUOTES, '$1');
  return (QUALIFIED.exec(text) ?? IN_ANGLES.exec(text))?.[1];
}
