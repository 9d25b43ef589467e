/** What failures and health of a file are to those who know no engine. Pure. */
import { SqliteError, type SqliteErrorReason } from '../../../sqlite/open.ts';
import type { StoreHealth, StoreReadiness } from '../store.ts';
import { StoreUnavailableError, type UnavailableReason } from '../unavailable-error.ts';

const REASONS: Partial<Readonly<Record<SqliteErrorReason, UnavailableReason>>> = {
  ...{ 'too-slow': 'too-slow', locked: 'unreachable', full: 'full', gone: 'gone', failed: 'failed' },
  corrupt: 'damaged',
};

/** Returns errors of other kinds as they are. */
export function explainUnavailable(error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error;
  const reason = REASONS[error.reason];
  return reason ? new StoreUnavailableError(reason, error.message, { cause: error }) : error;
}

export const CLOSED: StoreReadiness = { status: 'unavailable', message: 'the store is closed' };

/** Without the name of the file: everybody may ask for it. */
const NOT_READY = {
  ...{ full: 'the disk is full', failed: 'the disk has failed', gone: 'the database was deleted or replaced' },
} as const;

export function toReadiness({ status }: StoreHealth): StoreReadiness {
  return status === 'ok' ? { status } : { status: 'unavailable', message: NOT_READY[status] };
}
