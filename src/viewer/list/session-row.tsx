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
import type { Filters, ViewLocation } from '../state/view-location.ts';
import { markWords } from './mark-words.ts';

interface SessionRowProps {
  readonly session: SessionSummary;
  readonly index: number;
  readonly isActive: boolean;
  readonly nowMillis: number;
  /** The words that were searched for. */
  readonly words: readonly string[];
  readonly filters: Filters;
  readonly onFocus: (session: string) => void;
}

export function SessionRow({ session, index, isActive, nowMillis, words, filters, onFocus }: SessionRowProps) {
  const link = useRef<HTMLAnchorElement>(null);
  useLayoutEffect(() => {
    if (isActive && !isTyping(document.activeElement)) link.current!.focus({ preventScroll: true });
  }, [isActive]);
  const { match, users = [], models = [] } = session;
  const to: ViewLocation = { page: 'session', session: session.id, ...(match && { log: match.log_id }) };
  const tokens = formatTokens(session.prompt_tokens, session.output_tokens);
  const isRunning = isStillRunning(session.running, Date.parse(session.updated_at), nowMillis);
  const title = session.first_input ?? session.reference_id ?? session.id;
  const at = timeOf(session, filters.sort);
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
          {session.ratings?.map((rating) => (
            <Icon
              key={rating}
              name={rating === 'good' ? 'up' : 'down'}
              title={`rated ${rating}`}
              class={`is-${rating}`}
            />
          ))}
        </span>
        <span class={session.last_is_error && !match ? 'line second error-text' : 'line second'}>
          <bdi>
            {match ? (
              <Marked text={toVisibleText(match.text)} words={words} />
            ) : session.last_output ? (
              toVisibleText(session.last_output)
            ) : isRunning ? (
              'No output yet'
            ) : (
              ' '
            )}
          </bdi>
        </span>
      </span>
      <span role="cell" class="cell-project">
        <bdi>{session.projects.map(toVisibleText).join(', ')}</bdi>
        {models.length > 0 && <bdi class="cell-model">{models.map(toVisibleText).join(', ')}</bdi>}
      </span>
      <span role="cell" class="cell-user">
        {users[0] !== undefined && <UserLink user={users[0]} more={users.length - 1} filters={filters} />}
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
        <time
          dateTime={at}
          title={`started ${formatTime(session.started_at)}, ended ${formatTime(endOf(session))}, last arrival ${formatTime(session.updated_at)}`}
        >
          {formatAge(at, nowMillis)}
        </time>
      </span>
    </div>
  );
}

/** The time that the list is sorted by: otherwise that of the last activity. */
function timeOf(session: SessionSummary, sort: string | undefined): string {
  if (sort === 'started') return session.started_at;
  return sort === 'changed' ? session.updated_at : endOf(session);
}

function endOf({ ended_at: seconds, started_at: start }: SessionSummary): string {
  const end = new Date(seconds * 1000);
  return Number.isNaN(end.getTime()) ? start : end.toISOString();
}

function UserLink({ user, more, filters }: { user: string; more: number; filters: Filters }) {
  const to: ViewLocation = { page: 'sessions', filters: { ...filters, user } };
  return (
    <a
      href={addressOf(to)}
      title={`Only sessions of ${toVisibleText(user)}`}
      onClick={(event) => followInPage(event, to)}
    >
      <bdi>{toVisibleText(user)}</bdi>
      {more > 0 && ` +${more}`}
    </a>
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
