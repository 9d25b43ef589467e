/** What an error of the database, or of the way to it, means to an operator: one line with the remedy, and no secret. */
import { StoreUnavailableError, type UnavailableReason } from '../unavailable-error.ts';
import { codeOf, isRepeatable, isSqlError } from './tables/connection.ts';

interface Explanation {
  readonly reason: UnavailableReason;
  /** After "the PostgreSQL database ". */
  readonly text: string;
}

const CERTIFICATE = /CERT|^UNABLE_TO_(VERIFY|GET_ISSUER)/;

/** Turns an error of the database into one that says whether to come again. Returns any other as it is. */
export function explainPostgresError(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const explanation = isSqlError(error) ? explainSqlError(codeOf(error)!, message) : explainDriver(error, message);
  if (!explanation) return error;
  const { reason, text } = explanation;
  return new StoreUnavailableError(reason, `the PostgreSQL database ${text} (${message})`, { cause: error });
}

function explainSqlError(code: string, message: string): Explanation | undefined {
  if (/startup parameter/.test(message)) {
    return refused('is behind a pooler such as PgBouncer: add pgbouncer=true to its address');
  }
  switch (code) {
    case '26000':
    case '42P05':
      return refused(
        'forgets prepared statements, as a pooler in transaction mode does: add pgbouncer=true to its address',
      );
    case '28P01':
      return refused('refuses the password in its address: it is wrong, or has expired');
    case '28000':
      if (/no encryption|SSL off/.test(message)) return refused('requires TLS: add sslmode=verify-full to its address');
      return refused(
        'does not let this machine or user in: see its pg_hba.conf, which may require sslmode=verify-full',
      );
    case '25006':
      return {
        reason: 'unreachable',
        text: 'takes no writes: if it is a standby, name the primary in the address, else see default_transaction_read_only',
      };
    case '3D000':
      return refused('is not there: create it, or mend its name in the address');
    case '3F000':
      return refused('has no schema for its tables: create one that is in the search_path of its user');
    case '42501':
      return refused('does not give its user the rights that the server needs: grant them');
    case '53100':
      return { reason: 'full', text: 'has no space left on its disk: make space' };
    case '53200':
      return {
        reason: 'unreachable',
        text: 'has no memory for this: where it is shared memory, raise its max_locks_per_transaction',
      };
    case '53300':
      return { reason: 'unreachable', text: 'has no free connection: raise its max_connections, or run fewer servers' };
    case '57014':
    case '55P03':
      return { reason: 'too-slow', text: 'takes too long: see in pg_stat_activity what it waits for' };
  }
  if (code.startsWith('28')) return refused('refuses the server');
  return isRepeatable({ code, severity: 'ERROR' }) ? { reason: 'unreachable', text: 'is not available' } : undefined;
}

function explainDriver(error: unknown, message: string): Explanation | undefined {
  if (CERTIFICATE.test(codeOf(error) ?? '')) {
    return refused(
      'has a certificate that is not trusted here: name that of its authority with sslrootcert in the address, or give up checking it with sslmode=no-verify',
    );
  }
  if (/does not support SSL/.test(message)) {
    return refused('offers no TLS: turn its setting ssl on, or leave sslmode out of the address');
  }
  if (/password must be/.test(message)) return refused('wants a password: add it to the address, or set PGPASSWORD');
  return isRepeatable(error) ? { reason: 'unreachable', text: 'is not available' } : undefined;
}

function refused(text: string): Explanation {
  return { reason: 'refused', text };
}
