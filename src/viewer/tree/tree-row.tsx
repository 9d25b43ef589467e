/** A row of the tree: a turn with its time ruler, or a log with its bar. */
import { formatClock, formatCost, formatCount, formatSeconds, formatTokens, toVisibleText } from '../parts/format.ts';
import { Icon, TypeIcon } from '../parts/icons.tsx';
import type { LogNode, Sums, Turn } from './log-tree.ts';
import type { TreeRow as Row } from './tree-rows.ts';
import { isLive, Ruler, scaleOf, Waterfall } from './waterfall.tsx';

interface TreeRowProps {
  readonly row: Row;
  readonly elementId: string;
  /** `undefined` if the row has nothing below it. */
  readonly isOpen: boolean | undefined;
  readonly isSelected: boolean;
  readonly isFocused: boolean;
  readonly isCompared: boolean;
  readonly hasTurns: boolean;
  readonly nowSeconds: number;
  /** The scale is at least so long. */
  readonly scaleSeconds: number;
  readonly onSelect: () => void;
  readonly onToggle: () => void;
}

const MAX_INDENT = 14;

export function TreeRow(props: TreeRowProps) {
  const { row, isOpen, isSelected, isFocused, isCompared, onSelect } = props;
  const names = ['tree-row', `is-${row.kind}`];
  if (isSelected) names.push('is-selected');
  if (isFocused) names.push('is-focused');
  if (isCompared) names.push('is-compared');
  const depth = row.kind === 'turn' ? 0 : row.node.depth + 1;
  return (
    <div
      id={props.elementId}
      class={names.join(' ')}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={isSelected}
      {...(isOpen !== undefined && { 'aria-expanded': isOpen })}
      onClick={onSelect}
    >
      {row.kind === 'turn' ? (
        <TurnCells {...props} turn={row.turn} number={row.number} />
      ) : (
        <LogCells {...props} node={row.node} turn={row.turn} {...(props.hasTurns && { number: row.number })} />
      )}
    </div>
  );
}

function TurnCells({
  turn,
  number,
  hasTurns,
  isOpen,
  nowSeconds,
  scaleSeconds,
}: TreeRowProps & { turn: Turn; number: number }) {
  return (
    <>
      <span class="tree-cell">
        <Icon name="chevron" class={isOpen ? 'chevron is-open' : 'chevron'} />
        <span class="turn-name">{hasTurns ? `Turn ${number}` : 'Trace'}</span>
        <span class="turn-time">{formatClock(new Date(turn.start * 1000).toISOString())}</span>
        {turn.sums.errors > 0 && <FailedBelow count={turn.sums.errors} />}
      </span>
      <Numbers
        sums={turn.sums}
        time={turn.sums.running > 0 ? toState(turn, nowSeconds) : turn.end - turn.start}
        isSum
      />
      <Ruler scale={scaleOf(turn, nowSeconds, scaleSeconds)} />
    </>
  );
}

interface LogCellsProps extends TreeRowProps {
  readonly node: LogNode;
  readonly turn: Turn;
  /** Of its turn, where the row stands for it too. */
  readonly number?: number | undefined;
}

function LogCells({ node, turn, number, isOpen, nowSeconds, scaleSeconds, onToggle }: LogCellsProps) {
  const { log, label, sums } = node;
  const hasFailed = log.error !== undefined;
  const indent = Math.min(node.depth, MAX_INDENT);
  const text = log.error ?? log.output ?? (log.calls && `calls ${log.calls}`);
  return (
    <>
      <span class="tree-cell">
        {Array.from({ length: indent }, (_, level) => (
          <span key={level} class="guide" />
        ))}
        {isOpen === undefined ? (
          <span class="chevron-space" />
        ) : (
          <span
            class="toggle-space"
            onClick={(event) => {
              event.stopPropagation();
              onToggle();
            }}
          >
            <Icon name="chevron" class={isOpen ? 'chevron is-open' : 'chevron'} />
          </span>
        )}
        {number !== undefined && <span class="turn-name">{`Turn ${number}`}</span>}
        {hasFailed ? <Icon name="error" class="error-text" title="failed" /> : <TypeIcon type={label.type} />}
        <span class={hasFailed ? 'log-name error-text' : 'log-name'}>
          <bdi>{toVisibleText(label.name)}</bdi>
        </span>
        {label.model !== undefined && label.model !== label.name && (
          <span class="log-model">
            <bdi>{toVisibleText(label.model)}</bdi>
          </span>
        )}
        {log.running && isLive(turn, nowSeconds) && <span class="spinner" role="img" aria-label="running" />}
        {!hasFailed && sums.errors > 0 && <FailedBelow count={sums.errors} />}
        {node.note && (
          <span class="badge" title={noteText(node)}>
            {node.note}
          </span>
        )}
        {log.feedback?.filter(isVerdict).map(({ type, value }, index) => (
          <span key={index} class="badge" title={`${toVisibleText(type)}: ${toVisibleText(String(value))}`}>
            {value === 'good' ? (
              <Icon name="up" title="good" />
            ) : value === 'bad' ? (
              <Icon name="down" title="bad" />
            ) : (
              toVisibleText(type).slice(0, 12)
            )}
          </span>
        ))}
        {text && (
          <span class="log-text">
            <bdi>{toVisibleText(text)}</bdi>
          </span>
        )}
      </span>
      <Numbers sums={sums} time={timeOf(node, turn, nowSeconds)} isSum={sums.logs > 1} />
      <Waterfall node={node} turn={turn} nowSeconds={nowSeconds} scaleSeconds={scaleSeconds} />
    </>
  );
}

type Time = number | 'running' | 'no end' | undefined;

function Numbers({ sums, time, isSum }: { sums: Sums; time: Time; isSum: boolean }) {
  const tokens = formatTokens(sums.promptTokens, sums.outputTokens);
  const parts = [];
  if (isSum) parts.push(`${formatCount(sums.logs)} logs`, `${formatSeconds(sums.seconds)} in the innermost logs`);
  if (tokens) parts.push(`${tokens} tokens`);
  if (sums.cost !== undefined) parts.push(formatCost(sums.cost));
  return (
    <span class="numbers" title={parts.join(', ')}>
      <span class={isSum ? 'tokens is-sum' : 'tokens'}>{tokens ?? ''}</span>
      <span class={time === 'running' ? 'duration running-text' : 'duration'}>
        {typeof time === 'number' ? formatSeconds(time) : (time ?? '–')}
      </span>
    </span>
  );
}

/** The duration of the log; if none was logged, the time that the logs below it span. */
function timeOf(node: LogNode, turn: Turn, nowSeconds: number): Time {
  if (node.log.running) return toState(turn, nowSeconds);
  if (node.log.duration !== undefined) return node.log.duration;
  return node.children.length > 0 ? node.end - node.start : undefined;
}

function toState(turn: Turn, nowSeconds: number): Time {
  return isLive(turn, nowSeconds) ? 'running' : 'no end';
}

function FailedBelow({ count }: { count: number }) {
  const text = `${count} failed below`;
  return <span class="failed-below" role="img" aria-label={text} title={text} />;
}

function noteText({ note, log }: LogNode): string {
  if (note === 'missing parent') return `Its parent, ${toVisibleText(log.missing_parent ?? '')}, was never logged.`;
  if (note === 'parent elsewhere') return 'Its parent is in another session.';
  return 'Its chain of parents leads back to itself.';
}

/** What an evaluator says beside its verdict is shown with the log. */
function isVerdict({ type }: { type: string }): boolean {
  return !/\.(score|explanation)$/.test(type);
}
