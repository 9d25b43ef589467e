/** Marks a log some of whose attributes were cut by a value length limit. */
import type { Damage } from './attributes.ts';

/** Returns the names of the cut attributes as `truncated`; an empty object if none was cut. */
export function damageMetadata(damage: Damage): { truncated?: string[] } {
  return damage.size > 0 ? { truncated: [...damage] } : {};
}
