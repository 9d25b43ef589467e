/** One log: its inputs and output, its config, its numbers, and the feedback on it. */

import type { LogResponse } from '../../wire/v4.ts';
import { toVisibleText } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { addressOf, followInPage, navigate } from '../state/address.ts';
import { hold, useHeldLog } from '../state/held-log.ts';
import { useLog } from '../state/use-log.ts';
import { type SessionLocation, TABS, type Tab } from '../state/view-location.ts';
import { labelOf } from '../tree/log-label.ts';
import type { LogNode } from '../tree/log-tree.ts';
import { ConfigView } from './config-view.tsx';
import { ContentView } from './content-view.tsx';
import { FeedbackBar } from './feedback-bar.tsx';
import { LogFacts, LogTitle } from './log-facts.tsx';
import { MetadataView, RawView } from './log-parts.tsx';

interface LogPaneProps {
  readonly location: SessionLocation;
  /** Absent where the log is not in this session. */
  readonly node: LogNode | undefined;
  /** Version of the session: with a newer one, a log outside of the session may have changed too. */
  readonly version: number;
  readonly onClose: () => void;
}

const TAB_NAMES: Record<Tab, string> = { content: 'Content', config: 'Config', metadata: 'Metadata', raw: 'Raw' };

export function LogPane({ location, node, version, onClose }: LogPaneProps) {
  const { log, problem, reload } = useLog(
    location.log!,
    `${node?.log.updated_at} ${node?.log.feedback?.length} ${node ? '' : version}`,
  );
  const tab = location.tab ?? 'content';
  return (
    <article class="log-pane" aria-label="Log">
      {problem && (
        <p role="alert" class="problem banner">
          {problem}
        </p>
      )}
      {!log && (
        <div class="log-top">
          <p class="loading">{problem ? '' : 'Loading…'}</p>
          <CloseButton onClose={onClose} />
        </div>
      )}
      {log && (
        <>
          <div class="log-top">
            <LogTitle log={log} />
            <a
              class="button quiet"
              href={addressOf({ ...location, compare: log.id })}
              title="Hold this log, and choose another one to compare it with"
              onClick={(event) => {
                hold({ id: log.id, name: labelOf(log).name });
                followInPage(event, { ...location, compare: log.id });
              }}
            >
              <Icon name="compare" />
              Compare
            </a>
            <CloseButton onClose={onClose} />
          </div>
          {location.compare === log.id && (
            <p class="hint" role="status">
              <Icon name="compare" />
              <span>
                Now choose the log to compare this one with, in the tree or in any other session. <kbd>Esc</kbd> to
                stop.
              </span>
            </p>
          )}
          {location.compare === undefined && <HeldHint location={location} log={log} />}
          <LogFacts log={log} node={node} />
          <FeedbackBar log={log} onChange={reload} />
          <div class="tabs" role="tablist" aria-label="Parts of the log">
            {TABS.map((name) => (
              <button
                key={name}
                id={`tab-${name}`}
                type="button"
                role="tab"
                aria-selected={name === tab}
                aria-controls="log-part"
                tabIndex={name === tab ? 0 : -1}
                onClick={() => navigate({ ...location, tab: name }, { replace: true })}
                onKeyDown={(event) =>
                  moveTab(event, name, (next) => navigate({ ...location, tab: next }, { replace: true }))
                }
              >
                {TAB_NAMES[name]}
              </button>
            ))}
          </div>
          <div class="log-part scroll" id="log-part" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${tab}`}>
            {tab === 'content' && <ContentView log={log} isRunning={node?.log.running === true} />}
            {tab === 'config' && <ConfigView log={log} />}
            {tab === 'metadata' && <MetadataView log={log} />}
            {tab === 'raw' && <RawView log={log} />}
          </div>
        </>
      )}
    </article>
  );
}

/** While a log is held: this one can be compared with it. */
function HeldHint({ location, log }: { location: SessionLocation; log: LogResponse }) {
  const held = useHeldLog();
  if (!held || held.id === log.id) return null;
  const to: SessionLocation = { ...location, log: log.id, compare: held.id };
  return (
    <p class="hint" role="status">
      <Icon name="compare" />
      <a href={addressOf(to)} onClick={(event) => followInPage(event, to)}>
        Compare with <bdi>{toVisibleText(held.name)}</bdi>, which is held
      </a>
      <button
        type="button"
        class="quiet square"
        aria-label="Hold it no longer"
        title="Hold it no longer"
        onClick={() => hold(undefined)}
      >
        <Icon name="close" />
      </button>
    </p>
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <button type="button" class="quiet square" onClick={onClose} aria-label="Close the log" title="Close (Esc)">
      <Icon name="close" />
    </button>
  );
}

function moveTab(event: KeyboardEvent, at: Tab, go: (tab: Tab) => void): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  event.stopPropagation();
  const next = TABS[(TABS.indexOf(at) + step + TABS.length) % TABS.length]!;
  go(next);
  document.getElementById(`tab-${next}`)?.focus();
}
