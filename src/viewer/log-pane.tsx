/** One log: what it was given, what it answered, and with what. */
import { useEffect, useState } from 'preact/hooks';
import type { LogResponse } from '../datapoint/datapoint.ts';
import type { ViewerLog } from '../server/viewer-store.ts';
import { followInPage, navigate, request } from './browser.ts';
import { ConfigView } from './config-view.tsx';
import { ContentView } from './content-view.tsx';
import { CopyButton } from './copy-button.tsx';
import { FeedbackBar } from './feedback-bar.tsx';
import { formatBytes, formatCost, formatSeconds, formatTime, formatTokens, toLabel } from './format.ts';
import { Icon, TypeIcon } from './icons.tsx';
import { JsonView } from './json-view.tsx';
import type { LogNode } from './log-tree.ts';
import { LongText } from './long-text.tsx';
import { formatLocation, TABS, type Tab, type ViewLocation } from './view-location.ts';

type SessionLocation = Extract<ViewLocation, { page: 'session' }>;

interface LogPaneProps {
  readonly location: SessionLocation;
  /** Absent where the log is not in this session. */
  readonly node: LogNode | undefined;
  /** Of the session: a new one may mean a new log. */
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
              href={formatLocation({ ...location, compare: log.id })}
              onClick={(event) => followInPage(event, { ...location, compare: log.id })}
            >
              <Icon name="compare" />
              Compare
            </a>
            <CloseButton onClose={onClose} />
          </div>
          {location.compare === log.id && (
            <p class="hint" role="status">
              <Icon name="compare" /> Now choose the log to compare this one with, in the tree. <kbd>Esc</kbd> to stop.
            </p>
          )}
          <Facts log={log} node={node} />
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

/** `stamp` changes when the log has. The one that is shown stays until the new one is there. */
export function useLog(id: string, stamp: string) {
  const [log, setLog] = useState<LogResponse>();
  const [problem, setProblem] = useState('');
  const [count, setCount] = useState(0);
  useEffect(() => {
    let isWanted = true;
    request<ViewerLog>(`/viewer/api/logs/${encodeURIComponent(id)}`).then(
      (answer) => {
        if (!isWanted) return;
        setLog(answer.log);
        setProblem('');
      },
      (error: Error) => isWanted && setProblem(error.message),
    );
    return () => {
      isWanted = false;
    };
  }, [id, stamp, count]);
  return { log: log?.id === id ? log : undefined, problem, reload: () => setCount(count + 1) };
}

export function labelOf(log: LogResponse): { type: string; name: string; model?: string } {
  const { config } = log;
  if (!config) return { type: 'generic', name: 'log' };
  if (config.type === 'model') return { type: 'model', name: config.name ?? config.model, model: config.model };
  if (config.type === 'agent')
    return { type: 'agent', name: config.name ?? config.agent_class, model: config.model_config.model };
  return { type: config.type, name: config.name ?? config.type };
}

function LogTitle({ log }: { log: LogResponse }) {
  const { type, name, model } = labelOf(log);
  return (
    <h2>
      <TypeIcon type={type} />
      <bdi>{toLabel(name)}</bdi>
      {model !== undefined && model !== name && (
        <span class="log-model">
          <bdi>{toLabel(model)}</bdi>
        </span>
      )}
    </h2>
  );
}

function Facts({ log, node }: { log: LogResponse; node: LogNode | undefined }) {
  const tokens = formatTokens(log.prompt_tokens ?? undefined, log.output_tokens ?? undefined);
  const below = node && node.sums.logs > 1 ? node.sums : undefined;
  const tokensBelow = below && formatTokens(below.promptTokens, below.outputTokens);
  const cost =
    log.prompt_cost == null && log.output_cost == null ? undefined : (log.prompt_cost ?? 0) + (log.output_cost ?? 0);
  return (
    <dl class="facts">
      <div>
        <dt>Duration</dt>
        <dd>
          {log.duration != null ? (
            formatSeconds(log.duration)
          ) : node?.log.running ? (
            <span class="running-text">running</span>
          ) : (
            'not given'
          )}
        </dd>
      </div>
      {tokens && (
        <div>
          <dt>Tokens</dt>
          <dd>{tokens}</dd>
        </div>
      )}
      {cost !== undefined && (
        <div>
          <dt>Cost</dt>
          <dd>{formatCost(cost)}</dd>
        </div>
      )}
      {below && (
        <div>
          <dt>With all below</dt>
          <dd>
            {below.logs} logs, {formatSeconds(below.seconds)} of work{tokensBelow && `, ${tokensBelow} tokens`}
            {below.cost !== undefined && `, ${formatCost(below.cost)}`}
          </dd>
        </div>
      )}
      <div>
        <dt>Started</dt>
        <dd>{formatTime(log.created_at!)}</dd>
      </div>
      {log.environment && (
        <div>
          <dt>Environment</dt>
          <dd>
            <bdi>{toLabel(log.environment)}</bdi>
          </dd>
        </div>
      )}
      {log.source && (
        <div>
          <dt>Source</dt>
          <dd>
            <bdi>{toLabel(log.source)}</bdi>
          </dd>
        </div>
      )}
    </dl>
  );
}

function MetadataView({ log }: { log: LogResponse }) {
  const ids = Object.fromEntries(
    (
      [
        'id',
        'reference_id',
        'parent_id',
        'parent_reference_id',
        'session_id',
        'session_reference_id',
        'project',
        'project_id',
        'trial_id',
        'source_datapoint_id',
      ] as const
    )
      .filter((name) => log[name] != null)
      .map((name) => [name, log[name]]),
  );
  return (
    <>
      <h3>Metadata</h3>
      <JsonView value={log.metadata ?? {}} />
      <h3>Identity</h3>
      <JsonView value={ids} />
      {log.stdout && (
        <>
          <h3>Standard output</h3>
          <LongText text={log.stdout} />
        </>
      )}
      {log.provider_request && (
        <>
          <h3>Request to the provider</h3>
          <JsonView value={log.provider_request} />
        </>
      )}
      {log.provider_response && (
        <>
          <h3>Response of the provider</h3>
          <JsonView value={log.provider_response} />
        </>
      )}
    </>
  );
}

function RawView({ log }: { log: LogResponse }) {
  const text = JSON.stringify(log, null, 2);
  return (
    <>
      <p class="row-end">
        <span class="dim">{formatBytes(text.length)}</span>
        <CopyButton text={text} label="Copy the JSON" />
      </p>
      <LongText text={text} isMono />
    </>
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
