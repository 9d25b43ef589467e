/** The title of a log, and its numbers. */
import type { LogResponse } from '../../wire/v4.ts';
import { Fact } from '../parts/fact.tsx';
import { FilterLink } from '../parts/filter-link.tsx';
import { formatCost, formatSeconds, formatTime, formatTokens, toVisibleText } from '../parts/format.ts';
import { TypeIcon } from '../parts/icons.tsx';
import type { Filters } from '../state/view-location.ts';
import { labelOf } from '../tree/log-label.ts';
import type { LogNode } from '../tree/log-tree.ts';

/** More would push the content out of sight; the metadata tab has all. */
const MAX_SHOWN_METADATA = 6;
const MAX_VALUE_CHARACTERS = 60;
/** How it was captured, what the provider said about it, and what is shown elsewhere. */
const UNSHOWN =
  /^(trace_id|span_|parent_span|scope$|convention$|finish_reason|truncated|response_|function_id|system_)|_tokens$|timestamp/;

type Shown = [name: string, value: string, filters: Filters];

/** Short entries of the app's own, such as the user and the release, with the filter that finds them elsewhere. */
function shownMetadata(metadata: LogResponse['metadata']): Shown[] {
  return Object.entries(metadata ?? {})
    .filter(([name]) => !UNSHOWN.test(name) && /^[^\s:"]{1,40}$/.test(name))
    .flatMap(([name, value]) =>
      [value]
        .flat()
        .filter(isShort)
        .map((item): Shown => toShown(name, String(item))),
    )
    .slice(0, MAX_SHOWN_METADATA);
}

function toShown(name: string, value: string): Shown {
  const isUser = name === 'user' || name === 'user_id';
  return [name, value, isUser ? { user: value } : { q: `metadata.${name}:"${value}"` }];
}

function isShort(value: unknown): value is string | number | boolean {
  if (typeof value === 'string') return value !== '' && value.length <= MAX_VALUE_CHARACTERS && !value.includes('"');
  return typeof value === 'number' || typeof value === 'boolean';
}

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
          <FilterLink filters={{ environment: log.environment }}>{toVisibleText(log.environment)}</FilterLink>
        </Fact>
      )}
      {log.source && (
        <Fact name="Source">
          <bdi>{toVisibleText(log.source)}</bdi>
        </Fact>
      )}
      {shownMetadata(log.metadata).map(([name, value, filters]) => (
        <Fact key={`${name} ${value}`} name={toVisibleText(name)}>
          <FilterLink filters={filters}>{toVisibleText(value)}</FilterLink>
        </Fact>
      ))}
    </dl>
  );
}
