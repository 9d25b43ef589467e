/**
 * What SDKs have in the place of a parameter that was not given: OpenAI's for Python `NOT_GIVEN`, Micrometer `<unset>`. `none` is a
 * choice of tools, and an effort.
 */
const UNSET =
  /^(?:<?(?:NOT_?GIVEN|omit|unset|NOT_?SET|UNSPECIFIED)>?(?:\(\))?|<[\w.]{1,100}\.(?:NotGiven|Omit|Unset|NotSet)\w{0,20} object at 0x[\da-f]{1,16}>)$/i;
const UNSET_WORDS: ReadonlySet<string> = new Set(['None', 'null', 'undefined', 'nil', '<nil>']);
const MAX_UNSET_CHARS = 160;

/** Whether the text stands for a parameter that was not given. */
export function isUnset(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_UNSET_CHARS && (UNSET_WORDS.has(value) || UNSET.test(value));
}
