/** What failures and health of a file are to those who know no engine. Pure. */
import { reasonOf, SqliteError, type SqliteErrorReason } from '../../../sqlite/open.ts';
import type { StoreHealth, StoreReadiness } from '../store.ts';
import { StoreUnavailableError, type UnavailableReason } from '../unavailable-error.ts';
import { explainEngineError } from './writing/engine-error.ts';

const REASONS: Partial<Readonly<Record<SqliteErrorReason, UnavailableReason>>> = {
  ...{ 'too-slow': 'too-slow', locked: 'unreachable', full: 'full', gone: 'gone', failed: 'failed' },
  corrupt: 'damaged',
};

/** Returns errors of other kinds as they are: where the statement is wrong, its place says more. */
export function explainUnavailable(error: unknown, file: string): unknown {
  const explained = explainFailure(error, file);
  if (!(explained instanceof SqliteError)) return explained;
  const reason = REASONS[explained.reason];
  return reason ? new StoreUnavailableError(reason, explained.message, { cause: explained }) : explained;
}

/** The same for those that no request is answered with. */
export function explainFailure(error: unknown, file: string): unknown {
  return reasonOf(error) === 'other' ? error : explainEngineError(error, file);
}

export const CLOSED: StoreReadiness = { status: 'unavailable', message: 'the store is closed' };

/** Without the name of the file: everybody may ask for it. */
const NOT_READY = {
  ...{ full: 'the disk is full', failed: 'the disk has failed', gone: 'the database was deleted or replaced' },
} as const;

export function toReadiness({ status }: StoreHealth): StoreReadiness {
  return status === 'ok' ? { status } : { status: 'unavailable', message: NOT_READY[status] };
}
