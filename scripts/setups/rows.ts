/** All set-ups that `npm run setups` tries, in the order of its tables. */
import { IN_CODE_SETUPS } from './in-code-rows.ts';
import type { Setup } from './setup.ts';
import { ZERO_CODE_SETUPS } from './zero-code-rows.ts';

export const SETUPS: readonly Setup[] = [...ZERO_CODE_SETUPS, ...IN_CODE_SETUPS];
