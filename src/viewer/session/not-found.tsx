/** Instead of a session that cannot be shown: why, and the way back. */
import { useEffect, useState } from 'preact/hooks';
import type { FoundName } from '../../server/store/viewer-store.ts';
import { addressOf, followInPage, lastList, navigate } from '../state/address.ts';
import { request } from '../state/api.ts';
import type { SessionLocation } from '../state/view-location.ts';

/** Ids and references of logs and traces, and references of sessions, lead to the session that they name. */
export function NotFound({ location, problem }: { location: SessionLocation; problem: string }) {
  const [isLooking, setIsLooking] = useState(true);
  const { session: name } = location;
  useEffect(() => {
    let isWanted = true;
    request<FoundName>(`/viewer/api/names/${encodeURIComponent(name)}`).then(
      ({ session, log }) => {
        if (!isWanted) return;
        if (session === name) setIsLooking(false);
        else navigate({ ...location, session, ...(log !== undefined && { log }) }, { replace: true });
      },
      () => isWanted && setIsLooking(false),
    );
    return () => {
      isWanted = false;
    };
  }, [name]);
  if (isLooking) {
    return (
      <main class="centred">
        <p class="loading">Loading…</p>
      </main>
    );
  }
  const to = lastList();
  return (
    <main class="centred">
      <div class="card not-found">
        <h1>This session cannot be shown</h1>
        <p role="alert" class="problem">
          {problem}
        </p>
        <p>
          Its logs may have been deleted, or the address is not complete. <code>{name.slice(0, 200)}</code>
        </p>
        <a class="button primary" href={addressOf(to)} onClick={(event) => followInPage(event, to)}>
          Back to the sessions
        </a>
      </div>
    </main>
  );
}
