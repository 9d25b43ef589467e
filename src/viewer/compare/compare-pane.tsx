/** Two logs side by side: numbers, inputs, messages, outputs and configs. */
import { useLayoutEffect, useMemo, useState } from 'preact/hooks';
import type { LogResponse } from '../../wire/v4.ts';
import { toAnswer, toConversation, toPlainText } from '../log/conversation.ts';
import { formatCost, formatSeconds, formatTime, formatTokens, toVisibleText } from '../parts/format.ts';
import { Icon, TypeIcon } from '../parts/icons.tsx';
import { LongText } from '../parts/long-text.tsx';
import { navigate } from '../state/address.ts';
import { hold } from '../state/held-log.ts';
import { useLog } from '../state/use-log.ts';
import type { SessionLocation } from '../state/view-location.ts';
import { labelOf } from '../tree/log-label.ts';
import { type DiffPiece, type DiffRow, diffTexts } from './text-diff.ts';

/** How many unchanged lines are shown around a change; more of them are folded. */
const CONTEXT_LINES = 3;

export function ComparePane({ location, version }: { location: SessionLocation; version: number }) {
  const left = useLog(location.compare!, String(version));
  const right = useLog(location.log!, String(version));
  const { compare, ...rest } = location;
  const problem = left.problem || right.problem;
  useLayoutEffect(() => hold(undefined), []);
  return (
    <article class="log-pane" aria-label="Comparison">
      <div class="log-top">
        <h2>
          <Icon name="compare" />
          Comparison
        </h2>
        <button
          type="button"
          class="quiet"
          onClick={() => navigate({ ...rest, log: compare!, compare: location.log! })}
        >
          Swap
        </button>
        <button
          type="button"
          class="quiet square"
          aria-label="Stop comparing"
          title="Stop comparing (Esc)"
          onClick={() => navigate(rest)}
        >
          <Icon name="close" />
        </button>
      </div>
      {problem && (
        <p role="alert" class="problem banner">
          {problem}
        </p>
      )}
      {left.log && right.log && (
        <div class="log-part scroll" tabIndex={0} role="region" aria-label="Differences">
          <Overview left={left.log} right={right.log} />
          <Section title="Inputs" left={json(left.log.inputs)} right={json(right.log.inputs)} />
          <Section title="Messages" left={messagesText(left.log)} right={messagesText(right.log)} />
          <Section title="Output" left={outputText(left.log)} right={outputText(right.log)} />
          <Section title="Error" left={left.log.error ?? ''} right={right.log.error ?? ''} />
          <Section title="Metadata" left={json(left.log.metadata)} right={json(right.log.metadata)} />
          <Section title="Config" left={configText(left.log)} right={configText(right.log)} />
        </div>
      )}
    </article>
  );
}

function Overview({ left, right }: { left: LogResponse; right: LogResponse }) {
  const rows: [string, (log: LogResponse) => string][] = [
    ['Started', ({ created_at: at }) => (at ? formatTime(at) : '')],
    ['Session', (log) => toVisibleText(log.session_reference_id ?? log.session_id ?? 'none')],
    ['Project', ({ project }) => toVisibleText(project ?? '')],
    ['Environment', ({ environment }) => (environment ? toVisibleText(environment) : '')],
    ['Feedback', ({ feedback }) => feedbackText(feedback)],
    ['Duration', ({ duration }) => (duration == null ? '' : formatSeconds(duration))],
    ['Tokens', (log) => formatTokens(log.prompt_tokens ?? undefined, log.output_tokens ?? undefined) ?? ''],
    [
      'Cost',
      (log) =>
        log.prompt_cost == null && log.output_cost == null
          ? ''
          : formatCost((log.prompt_cost ?? 0) + (log.output_cost ?? 0)),
    ],
  ];
  return (
    <table class="overview">
      <thead>
        <tr>
          <td />
          {[left, right].map((log, index) => (
            <th key={index} scope="col">
              <span class="dim">{index === 0 ? '− left' : '+ right'}</span> <TypeIcon type={labelOf(log).type} />{' '}
              <bdi>{toVisibleText(labelOf(log).name)}</bdi>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows
          .filter(([, read]) => read(left) !== '' || read(right) !== '')
          .map(([name, read]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {[read(left), read(right)].map((value, index) => (
                <td key={index} class={read(left) === read(right) ? 'dim' : ''}>
                  <bdi>{value}</bdi>
                </td>
              ))}
            </tr>
          ))}
      </tbody>
    </table>
  );
}

function Section({ title, left, right }: { title: string; left: string; right: string }) {
  const rows = useMemo(() => (left === right ? [] : diffTexts(left, right)), [left, right]);
  if (left === '' && right === '') return null;
  return (
    <section class="diff-section">
      <h3>
        {title} {left === right && <span class="dim">the same</span>}
      </h3>
      {rows === undefined ? (
        <>
          <p class="dim">Too long or too different to be compared line by line.</p>
          <div class="diff-plain">
            <LongText text={left} isMono />
            <LongText text={right} isMono />
          </div>
        </>
      ) : (
        rows.length > 0 && <DiffTable rows={rows} />
      )}
    </section>
  );
}

function DiffTable({ rows }: { rows: readonly DiffRow[] }) {
  const [showsAll, setShowsAll] = useState(false);
  const isNear = rows.map((_, index) =>
    rows.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1).some(({ kind }) => kind !== 'same'),
  );
  const visible = showsAll ? rows : rows.filter((_, index) => isNear[index]);
  const folded = rows.length - visible.length;
  return (
    <div class="diff mono">
      {visible.map((row, index) => (
        <div key={index} class={`diff-row diff-${row.kind}`}>
          <Side pieces={row.left} sign="−" isChange={row.kind === 'changed' || row.kind === 'removed'} />
          <Side pieces={row.right} sign="+" isChange={row.kind === 'changed' || row.kind === 'added'} />
        </div>
      ))}
      {folded > 0 && (
        <button type="button" class="unfold" onClick={() => setShowsAll(true)}>
          {folded === 1 ? '1 unchanged line' : `${folded} unchanged lines`}
        </button>
      )}
    </div>
  );
}

function Side({
  pieces,
  sign,
  isChange,
}: {
  pieces: readonly DiffPiece[] | undefined;
  sign: string;
  isChange: boolean;
}) {
  const name = sign === '+' ? 'side is-right' : 'side is-left';
  if (!pieces) return <div class={`${name} is-empty`} />;
  const Mark = sign === '+' ? 'ins' : 'del';
  return (
    <div class={isChange ? `${name} is-change` : name} dir="auto">
      <span class="sign" aria-hidden="true">
        {isChange ? sign : ' '}
      </span>
      {pieces.map((piece, index) => (piece.isChanged ? <Mark key={index}>{piece.text}</Mark> : piece.text))}
    </div>
  );
}

function feedbackText(feedback: LogResponse['feedback']): string {
  const entries = [feedback ?? []].flat() as { type: string; value: unknown }[];
  const texts = entries.map(
    ({ type, value }) => `${type}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return texts.length === 0 ? '' : toVisibleText(texts.join(', '));
}

function messagesText(log: LogResponse): string {
  return toPlainText(toConversation(log.messages ?? []));
}

function outputText(log: LogResponse): string {
  const answer = toAnswer(log);
  return answer ? toPlainText([answer]).replace(/^[^\n]*\n/, '') : '';
}

function json(value: unknown): string {
  if (value === null || value === undefined || JSON.stringify(value) === '{}') return '';
  return JSON.stringify(value, null, 2);
}

/** Leaves out what the server has added. */
function configText(log: LogResponse): string {
  const { id: _id, status: _status, ...config } = (log.config ?? {}) as Record<string, unknown>;
  return json(config);
}
