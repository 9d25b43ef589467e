/** The head of the page of a session: the way back, the title, the numbers. */
import type { SessionSummary } from '../../server/store/viewer-store.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Fact } from '../parts/fact.tsx';
import { FilterLink } from '../parts/filter-link.tsx';
import { formatCost, formatCount, formatSeconds, formatTime, formatTokens, toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { lastList, navigate } from '../state/address.ts';
import { isStillRunning } from '../state/still-running.ts';
import { SessionActions } from './session-actions.tsx';

interface SessionHeadProps {
  readonly session: SessionSummary;
  /** How many logs the tree has. */
  readonly shown: number;
  readonly total: number;
  /** While more logs are being read. */
  readonly isPartial: boolean;
}

export function SessionHead({ session, shown, total, isPartial }: SessionHeadProps) {
  const tokens = formatTokens(session.prompt_tokens, session.output_tokens);
  const isRunning = isStillRunning(session.running, Date.parse(session.updated_at), Date.now());
  const name = session.reference_id ?? session.id;
  return (
    <div class="session-title">
      <button
        type="button"
        class="quiet square"
        aria-label="Back to the sessions"
        title="Back to the sessions (Esc)"
        onClick={back}
      >
        <Icon name="back" />
      </button>
      <h1 title={toVisibleText(session.first_input ?? name)}>
        <bdi>{toVisibleText(session.first_input ?? name)}</bdi>
      </h1>
      <SessionActions session={session} total={total} />
      <dl class="facts">
        <Fact name="Session">
          <span class="mono">
            <bdi>{toVisibleText(name)}</bdi>
          </span>
          <CopyButton text={name} label="Copy the session's id" />
        </Fact>
        <Fact name="Project">
          <bdi>{session.projects.map(toVisibleText).join(', ')}</bdi>
        </Fact>
        {session.users?.map((user) => (
          <Fact key={user} name="User">
            <FilterLink filters={{ user }}>{toVisibleText(user)}</FilterLink>
          </Fact>
        ))}
        <Fact name="Started">{formatTime(session.started_at)}</Fact>
        <Fact name="Duration">
          {isRunning ? <span class="running-text">running</span> : formatSeconds(session.duration)}
        </Fact>
        <Fact name="Logs">
          {shown < total
            ? `${isPartial ? 'reading, ' : 'first '}${formatCount(shown)} of ${formatCount(total)}`
            : formatCount(total)}
        </Fact>
        {tokens && <Fact name="Tokens">{tokens}</Fact>}
        {session.cost !== undefined && <Fact name="Cost">{formatCost(session.cost)}</Fact>}
        {session.errors > 0 && (
          <Fact name="Errors">
            <span class="error-text">{session.errors}</span>
          </Fact>
        )}
      </dl>
    </div>
  );
}

/** Goes to the list as it was, with its filters; it remembers its rows and the reader's place. */
function back(): void {
  navigate(lastList());
}
