/** What the logs of a turn add to their sessions: sums, texts, facets, projects, and merges. */

import type { Draft } from '../tables/drafts.ts';
import { placeOf } from '../tables/identifiers.ts';
import { type Key, toId, toKeyed } from '../tables/keys.ts';
import { facetsOf, rankedTexts, toTexts } from '../tables/log-facts.ts';
import type { TurnMerges } from '../tables/merges.ts';
import { differenceOf, type KnownLog, type OldLog } from './known-logs.ts';
import { addedColumns, columnsOf, factsOf, hasSilentOutput } from './log-rows.ts';
import { addSeconds, NEVER, plus } from './session-sums.ts';
import type { SessionWrites } from './session-writes.ts';

/** What a log that was there adds, by what it was before. */
export function addKnown(sessions: SessionWrites, merges: TurnMerges, log: KnownLog, old: OldLog): void {
  const { now } = sessions;
  const { draft, place } = log;
  const difference = differenceOf(log, old);
  const visible = addedColumns(log, old);
  const isTop = old.no_parent;
  const texts = rankedTexts(toTexts(visible), { id: place.id, createdAt: old.created_at, isTop });
  // The answer that is there counts more than an error.
  const isLast = !texts.lastIsError || hasSilentOutput(log, old);
  sessions.add(toKeyed(old.session), {
    day: place.day,
    errors: difference.errors,
    running: difference.running,
    promptTokens: difference.promptTokens,
    outputTokens: difference.outputTokens,
    cost: difference.cost,
    updatedAt: now,
    startedAt: old.created_at,
    endedAt: addSeconds(old.created_at, difference.duration),
    firstInput: texts.firstInput,
    // Behind what the messages say that are there.
    firstInputRank: texts.firstInputRank && `${texts.firstInputRank}${old.no_messages ? '' : '+'}`,
    lastOutput: isLast ? texts.lastOutput : undefined,
    lastOutputRank: isLast ? texts.lastOutputRank : undefined,
    lastIsError: isLast ? texts.lastIsError : undefined,
  });
  const config = old.no_config ? draft?.config : undefined;
  const facets = facetsOf(visible, config, draft && !old.has_feedback ? factsOf(draft) : []);
  sessions.addFacets(toKeyed(old.session), facets);
  if (!draft) return;
  const source = merges.resolve(old.session);
  if (draft.session && !old.in_session) {
    const target = merges.resolve(draft.session.key);
    sessions.add(target, { day: place.day, ...idOf(target, draft.session.referenceId) });
    sessions.merge(source, target);
    sessions.addProject(target, old.project, true);
  } else if (
    old.no_parent &&
    !old.in_session &&
    draft.group &&
    (draft.parent.id ?? draft.parent.referenceId) !== null
  ) {
    sessions.merge(source, merges.resolve(draft.group.key));
  }
}

export function addFresh(sessions: SessionWrites, draft: Draft): void {
  const group = draft.group!;
  const place = placeOf(draft.id)!;
  const columns = columnsOf(draft);
  const isTop = draft.parent.id === null && draft.parent.referenceId === null;
  const number = (column: 'prompt_tokens' | 'output_tokens' | 'prompt_cost' | 'output_cost' | 'duration') =>
    draft.valueOf(column) as number | null;
  const isRunning = number('duration') === null && !columns.output && columns.output !== '' && columns.error == null;
  const texts = rankedTexts(toTexts(columns, draft.config), { id: draft.id, createdAt: draft.createdAt, isTop });
  sessions.add(group, {
    id: draft.session && toId('sesh', group.key),
    referenceId: draft.session?.referenceId,
    logId: !draft.session && isTop ? draft.id : undefined,
    day: place.day,
    logs: 1,
    errors: Number(columns.error != null),
    running: Number(isRunning),
    promptTokens: number('prompt_tokens'),
    outputTokens: number('output_tokens'),
    cost: plus(number('prompt_cost'), number('output_cost')),
    updatedAt: sessions.now,
    startedAt: draft.createdAt,
    endedAt: addSeconds(draft.createdAt, number('duration')),
    firstInput: texts.firstInput,
    firstInputRank: texts.firstInputRank,
    lastOutput: texts.lastOutput,
    lastOutputRank: texts.lastOutputRank,
    lastIsError: texts.lastIsError,
  });
  sessions.addFacets(group, facetsOf(columns, draft.config, factsOf(draft)));
  sessions.addProject(group, draft.project.key, draft.session ? true : draft.groupHasId);
}

/** Of a log that an earlier try has written, whose commit may have become visible late: open pages are told again. */
export function addPresent(sessions: SessionWrites, { id, group }: Draft): void {
  sessions.add(group!, { day: placeOf(id)!.day, updatedAt: NEVER });
}

function idOf({ key }: Key, referenceId: string | undefined) {
  return { id: toId('sesh', key), ...(referenceId !== undefined && { referenceId }) };
}
