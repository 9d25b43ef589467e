import { useEffect, useRef } from 'preact/hooks';
import type { SessionSummary } from '../server/viewer-store.ts';
import { followInPage } from './browser.ts';
import { formatAge, formatCost, formatCount, formatSeconds, formatTime, formatTokens, toLabel } from './format.ts';
import { Icon } from './icons.tsx';
import { formatLocation, type ViewLocation } from './view-location.ts';

interface SessionRowProps {
  readonly session: SessionSummary;
  readonly index: number;
  readonly isActive: boolean;
  readonly nowMillis: number;
}

export function SessionRow({ session, index, isActive, nowMillis }: SessionRowProps) {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (isActive) link.current!.focus({ preventScroll: true });
  }, [isActive]);
  const { match } = session;
  const to: ViewLocation = { page: 'session', session: session.id, ...(match && { log: match.log_id }) };
  const tokens = formatTokens(session.prompt_tokens, session.output_tokens);
  const title = session.first_input ?? session.reference_id ?? session.id;
  return (
    <div class={isActive ? 'session-row is-active' : 'session-row'} role="row" aria-rowindex={index + 2}>
      <span role="cell" class="cell-text">
        <span class="line">
          <State session={session} />
          <a ref={link} href={formatLocation(to)} onClick={(event) => followInPage(event, to)}>
            <bdi>{toLabel(title)}</bdi>
          </a>
        </span>
        <span class="line second">
          <bdi>{match ? toLabel(match.text) : session.last_output ? toLabel(session.last_output) : ' '}</bdi>
        </span>
      </span>
      <span role="cell" class="cell-project">
        <bdi>{session.projects.map(toLabel).join(', ')}</bdi>
      </span>
      <span role="cell" class="cell-number" data-unit={session.logs === 1 ? 'log' : 'logs'}>
        {formatCount(session.logs)}
      </span>
      <span role="cell" class="cell-number">
        {session.running > 0 ? <span class="running-text">running</span> : formatSeconds(session.duration)}
      </span>
      <span role="cell" class="cell-tokens" data-unit="tokens">
        {tokens ?? ''}
      </span>
      <span role="cell" class="cell-number cell-cost">
        {session.cost === undefined ? '' : formatCost(session.cost)}
      </span>
      <span role="cell" class="cell-age">
        <time dateTime={session.updated_at} title={formatTime(session.updated_at)}>
          {formatAge(session.updated_at, nowMillis)}
        </time>
      </span>
    </div>
  );
}

/** A failure is what one looks for: it is said before the text, and more than by colour. */
function State({ session }: { session: SessionSummary }) {
  if (session.errors > 0) {
    const text = `${session.errors} ${session.errors === 1 ? 'error' : 'errors'}`;
    return (
      <span class="badge badge-error">
        <Icon name="error" />
        {text}
      </span>
    );
  }
  if (session.running > 0) return <span class="spinner" role="img" aria-label="running" />;
  return null;
}
