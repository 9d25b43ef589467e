/** A session in the list: title, last output (or the text that a search found) and numbers. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { SessionSummary } from '../../server/store/viewer-store.ts';
import {
  formatAge,
  formatCost,
  formatCount,
  formatSeconds,
  formatTime,
  formatTokens,
  toVisibleText,
} from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { isTyping } from '../parts/keyboard.ts';
import { addressOf, followInPage } from '../state/address.ts';
import { isStillRunning } from '../state/still-running.ts';
import type { ViewLocation } from '../state/view-location.ts';
import { markWords } from './mark-words.ts';

interface SessionRowProps {
  readonly session: SessionSummary;
  readonly index: number;
  readonly isActive: boolean;
  readonly nowMillis: number;
  /** The words that were searched for. */
  readonly words: readonly string[];
  readonly onFocus: (session: string) => void;
}

export function SessionRow({ session, index, isActive, nowMillis, words, onFocus }: SessionRowProps) {
  const link = useRef<HTMLAnchorElement>(null);
  useLayoutEffect(() => {
    if (isActive && !isTyping(document.activeElement)) link.current!.focus({ preventScroll: true });
  }, [isActive]);
  const { match } = session;
  const to: ViewLocation = { page: 'session', session: session.id, ...(match && { log: match.log_id }) };
  const tokens = formatTokens(session.prompt_tokens, session.output_tokens);
  const isRunning = isStillRunning(session.running, Date.parse(session.updated_at), nowMillis);
  const title = session.first_input ?? session.reference_id ?? session.id;
  return (
    <div class={isActive ? 'session-row is-active' : 'session-row'} role="row" aria-rowindex={index + 2}>
      <span role="cell" class="cell-text">
        <span class="line">
          <State session={session} isRunning={isRunning} />
          <a
            ref={link}
            href={addressOf(to)}
            onFocus={() => onFocus(session.id)}
            onClick={(event) => followInPage(event, to)}
          >
            <bdi>{toVisibleText(title)}</bdi>
          </a>
        </span>
        <span class={session.last_is_error && !match ? 'line second error-text' : 'line second'}>
          <bdi>
            {match ? (
              <Marked text={toVisibleText(match.text)} words={words} />
            ) : session.last_output ? (
              toVisibleText(session.last_output)
            ) : (
              ' '
            )}
          </bdi>
        </span>
      </span>
      <span role="cell" class="cell-project">
        <bdi>{session.projects.map(toVisibleText).join(', ')}</bdi>
      </span>
      <span role="cell" class="cell-number" data-unit={session.logs === 1 ? 'log' : 'logs'}>
        {formatCount(session.logs)}
      </span>
      <span role="cell" class="cell-number">
        {isRunning ? <span class="running-text">running</span> : formatSeconds(session.duration)}
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

/** Readers look for failures: they stand before the text, and not only in another colour. */
function State({ session, isRunning }: { session: SessionSummary; isRunning: boolean }) {
  if (session.errors > 0) {
    const text = `${session.errors} ${session.errors === 1 ? 'error' : 'errors'}`;
    return (
      <span class="badge badge-error">
        <Icon name="error" />
        {text}
      </span>
    );
  }
  if (isRunning) return <span class="spinner" role="img" aria-label="running" />;
  return null;
}

function Marked({ text, words }: { text: string; words: readonly string[] }) {
  return (
    <>
      {markWords(text, words).map(({ text: piece, isMatch }, index) =>
        isMatch ? <mark key={index}>{piece}</mark> : piece,
      )}
    </>
  );
}
