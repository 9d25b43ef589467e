/** Rows of texts and numbers: pairs of a role and a text, as LangChain takes messages, and data. */
const PAIR_ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'human', 'user', 'ai', 'assistant']);

/** A message as LangChain takes it: `["human", "Hi"]`. */
export function isRoleWithText(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && PAIR_ROLES.has(value[0]) && typeof value[1] === 'string';
}

/** Whether this is texts, numbers or the like in a list. */
export function isRow(row: unknown): row is readonly unknown[] {
  return Array.isArray(row) && row.length > 0 && row.every((cell) => typeof cell !== 'object' || cell === null);
}

/** LangChain's pairs of a role and a text. A model is asked nothing without a turn of the user: `[["ai", "ml"]]` is data. */
export function isConversation(rows: readonly unknown[]): boolean {
  return rows.every(isRoleWithText) && rows.some(([role]) => role === 'user' || role === 'human');
}

/** Tokens or vectors, or lists of them: these are no messages, wherever they stand. */
export function areNumbers(list: readonly unknown[]): boolean {
  const isNumber = (item: unknown): boolean => typeof item === 'number';
  return list.length > 0 && list.every((item) => isNumber(item) || (isRow(item) && item.every(isNumber)));
}
