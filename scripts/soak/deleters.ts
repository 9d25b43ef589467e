/** Ordinary clients that delete: single logs and whole sessions, which nobody is writing to. */
import { Random } from '../../test/support/random.ts';
import { get } from './call.ts';
import { ask, expectStatus, keepDoing, type Soak } from './client.ts';
import type { Ledger, LedgerLog, LedgerSession } from './ledger.ts';

/** A session that was not written to for so long is not written to any more. */
const QUIET_MILLIS = 3_000;

export function startDeleters(soak: Soak, ledger: Ledger): Promise<void>[] {
  const random = new Random(Date.now() + 2);

  const pickSession = (): LedgerSession | undefined => {
    const session = ledger.sessions[random.between(0, Math.max(0, ledger.sessions.length - 1))];
    if (!session || session.open > 0 || Date.now() - session.changedTo < QUIET_MILLIS) return undefined;
    return session.logs.some(({ isBusy, fate }) => isBusy || fate !== 'stored') ? undefined : session;
  };

  const markDeleted = (logs: readonly LedgerLog[]): void => {
    for (const log of logs) log.fate = 'deleted';
  };

  const deleteLogs = () =>
    keepDoing(soak, 400, async () => {
      const session = pickSession();
      // One that may be there twice is not deleted by one id.
      const logs = session?.logs.filter(({ id, most }) => id !== undefined && most === 1).slice(0, 5) ?? [];
      if (!session || logs.length === 0) return;
      const path = `/v4/logs?${logs.map(({ id }) => `id=${id}`).join('&')}`;
      const reply = await ledger.deleting(session, () => ask(soak, 'DELETE of logs', { method: 'DELETE', path }));
      if (expectStatus(soak, 'DELETE of logs', reply, 204)) markDeleted(logs);
    });

  const deleteSessions = () =>
    keepDoing(soak, 600, async () => {
      const session = pickSession();
      if (!session) return;
      const named = await ask(
        soak,
        'id of a session',
        get(`/viewer/api/names/${encodeURIComponent(session.reference)}`),
      );
      // A retention may be quicker. If nothing has deleted it, the check says that its logs are not there.
      if (!expectStatus(soak, 'id of a session', named, 200, 404) || named.status === 404) return;
      const path = `/viewer/api/sessions/${JSON.parse(named.text).session}`;
      const kind = 'DELETE of a session';
      const reply = await ledger.deleting(session, () => ask(soak, kind, { method: 'DELETE', path }));
      const isAnswered = expectStatus(soak, kind, reply, 204, 404);
      // The first answer may have been lost.
      if (isAnswered && (reply.status === 204 || reply.lost > 0)) markDeleted(session.logs);
    });

  return [deleteLogs(), deleteSessions()];
}

/** The command computes what is too old when it has opened the file, and does not wait for a lock before that. */
const START_MILLIS = 15_000;
/** What the clocks of processes and the server's way to its time may differ by. */
const DOUBT_MILLIS = 2_000;

/**
 * Takes over what a retention has done that deletes what is older than `ageMillis`. It ran between these times.
 */
export function markPruned(ledger: Ledger, ageMillis: number, begun: number, ended: number): void {
  for (const { logs, open, changedFrom, changedTo } of ledger.sessions) {
    if (changedFrom > Math.min(ended, begun + START_MILLIS) - ageMillis) continue;
    const isGone = open === 0 && changedTo < begun - ageMillis - DOUBT_MILLIS;
    for (const log of logs) {
      if (log.fate !== 'deleted') log.fate = isGone && log.fate === 'stored' ? 'deleted' : 'unsure';
    }
  }
}
