/** What a log is called, and its numbers. */
import type { LogResponse } from '../../wire/v4.ts';
import { formatCost, formatSeconds, formatTime, formatTokens, toVisibleText } from '../parts/format.ts';
import { TypeIcon } from '../parts/icons.tsx';
import { labelOf } from '../tree/log-label.ts';
import type { LogNode } from '../tree/log-tree.ts';

export function LogTitle({ log }: { log: LogResponse }) {
  const { type, name, model } = labelOf(log);
  return (
    <h2>
      <TypeIcon type={type} />
      <bdi>{toVisibleText(name)}</bdi>
      {model !== undefined && model !== name && (
        <span class="log-model">
          <bdi>{toVisibleText(model)}</bdi>
        </span>
      )}
    </h2>
  );
}

export function LogFacts({ log, node }: { log: LogResponse; node: LogNode | undefined }) {
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
            <bdi>{toVisibleText(log.environment)}</bdi>
          </dd>
        </div>
      )}
      {log.source && (
        <div>
          <dt>Source</dt>
          <dd>
            <bdi>{toVisibleText(log.source)}</bdi>
          </dd>
        </div>
      )}
    </dl>
  );
}
