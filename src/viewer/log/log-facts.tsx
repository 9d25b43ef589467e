/** The title of a log, and its numbers. */
import type { LogResponse } from '../../wire/v4.ts';
import { Fact } from '../parts/fact.tsx';
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
      <Fact name="Duration">
        {log.duration != null ? (
          formatSeconds(log.duration)
        ) : node?.log.running ? (
          <span class="running-text">running</span>
        ) : (
          'not given'
        )}
      </Fact>
      {tokens && <Fact name="Tokens">{tokens}</Fact>}
      {cost !== undefined && <Fact name="Cost">{formatCost(cost)}</Fact>}
      {below && (
        <Fact name="Including everything below">
          {below.logs} logs, {formatSeconds(below.seconds)} of work{tokensBelow && `, ${tokensBelow} tokens`}
          {below.cost !== undefined && `, ${formatCost(below.cost)}`}
        </Fact>
      )}
      <Fact name="Started">{formatTime(log.created_at!)}</Fact>
      {log.environment && (
        <Fact name="Environment">
          <bdi>{toVisibleText(log.environment)}</bdi>
        </Fact>
      )}
      {log.source && (
        <Fact name="Source">
          <bdi>{toVisibleText(log.source)}</bdi>
        </Fact>
      )}
    </dl>
  );
}
