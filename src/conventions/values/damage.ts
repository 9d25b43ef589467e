/** How a log says that some of its sources were cut short. */
import type { Damage } from './attributes.ts';

/** Structure: attribute names only. */
export function damageMetadata(damage: Damage): { truncated?: string[] } {
  return damage.size > 0 ? { truncated: [...damage] } : {};
}
