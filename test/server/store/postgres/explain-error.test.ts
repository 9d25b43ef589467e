/** What errors of a database mean, in whatever language it reports them. */
import { expect, test } from 'vitest';
import { explainPostgresError } from '../../../../src/server/store/postgres/explain-error.ts';

const explain = (code: string, message: string) =>
  explainPostgresError(Object.assign(new Error(message), { code, severity: 'FEHLER' }));

test.each([
  ['25006', 'kann INSERT nicht in einer Read-Only-Transaktion ausführen', 'unreachable', 'takes no writes'],
  ['25P03', 'Verbindung wird abgebrochen wegen Zeitüberschreitung', 'unreachable', 'is not available'],
  ['25P04', 'Verbindung wird abgebrochen wegen Zeitüberschreitung', 'unreachable', 'is not available'],
  ['28000', 'kein pg_hba.conf-Eintrag für Host, keine Verschlüsselung', 'refused', 'may require sslmode=verify-full'],
  ['3F000', 'kein Schema für die Objekterzeugung ausgewählt', 'refused', 'has no schema for its tables'],
  ['53200', 'Shared Memory aufgebraucht', 'unreachable', 'raise its max_locks_per_transaction'],
])('%s', (code, message, reason, text) => {
  const found = explain(code, message);
  expect(found).toMatchObject({ reason, message: expect.stringContaining(text) });
  expect(found).toMatchObject({
    message: expect.stringContaining(`(${message})`),
    retryAfterSeconds: expect.any(Number),
  });
});
