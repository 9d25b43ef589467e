/** Members of enums, as languages print them: `Role.USER`, `<Role.USER: 'user'>`, `Role::User`, `{"Label":"user"}`. */
import { isObject } from '../../wire/json.ts';

const QUALIFIED = /^(?:[\w$]+(?:\.|::|\/))*([\w-]+)$/;
/** As Python's `repr` prints it. */
const IN_ANGLES = /^<(?:\w+\.)+(\w+)(?:: .*)?>$/;

/** Returns the name of the member, or a plain word as it is; undefined if the value is neither. */
export function memberOf(value: unknown): string | undefined {
  if (isObject(value)) return memberOf(value['Label'] ?? value['label'] ?? value['value']);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return (QUALIFIED.exec(text) ?? IN_ANGLES.exec(text))?.[1];
}
