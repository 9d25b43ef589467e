/** Feedback of an `ingest`: added unless the log has the same already, and taken from the log that had it before. */
import type pg from 'pg';
import type { FeedbackForLog, IngestFault } from '../../ingest.ts';
import { MAX_FEEDBACK } from '../../log-limits.ts';
import { pipelined, type Statement } from '../tables/connection.ts';
import type { FeedbackDraft } from '../tables/drafts.ts';
import { placeOf } from '../tables/identifiers.ts';
import { toKeyed } from '../tables/keys.ts';
import { findLogs, findReferences } from '../tables/lookups.ts';
import { type CheckedFeedback, toFeedbackDraft } from '../writing/check-works.ts';
import {
  readFeedbackDrafts,
  repeatIfDeleted,
  toFeedbackRemoval,
  toKeepLogs,
  writeFeedback,
} from '../writing/feedback-writes.ts';
import { NEVER } from '../writing/session-sums.ts';
import type { SessionWrites } from '../writing/session-writes.ts';
import type { TurnParts } from '../writing/turn-parts.ts';
import { giveFeedback } from '../writing/write-turns.ts';
import { encodeEach } from './ingest-faults.ts';

export async function addFeedback(
  client: pg.ClientBase,
  parts: TurnParts,
  sessions: SessionWrites,
  feedback: readonly FeedbackForLog[],
  faults: IngestFault[],
): Promise<void> {
  if (feedback.length === 0) return;
  const names = feedback.flatMap(({ referenceId, takenFrom }) => [referenceId, ...(takenFrom ? [takenFrom] : [])]);
  const ids = await findReferences(client, new Set(names));
  const logs = await findLogs(client, ids.values());
  const stored = await readFeedbackDrafts(client, logs.keys());
  const added: CheckedFeedback[] = [];
  const taken: Statement[] = [];
  for (const { referenceId, feedback: entry, takenFrom } of feedback) {
    const log = logs.get(ids.get(referenceId) ?? '');
    if (!log) {
      faults.push({ referenceId, message: 'an evaluation is about a log that is not stored' });
      continue;
    }
    const known = stored.get(log.id) ?? [];
    const [draft] = encodeEach(
      [entry],
      faults,
      (each) => toFeedbackDraft(each, 'feedback'),
      () => referenceId,
    );
    if (!draft) continue;
    const isDraft = (other: FeedbackDraft) => isSame(other, draft, entry.created_at !== undefined);
    const isKnown = known.some(isDraft);
    if (!isKnown && known.length >= MAX_FEEDBACK) {
      faults.push({ referenceId, message: `a log takes no more than ${MAX_FEEDBACK} evaluations` });
      continue;
    }
    const from = takenFrom === referenceId ? undefined : logs.get(ids.get(takenFrom ?? '') ?? '');
    const before = stored.get(from?.id ?? '') ?? [];
    const moved = before.find(isDraft);
    if (from && moved) {
      stored.set(
        from.id,
        before.filter((other) => other !== moved),
      );
      const given = added.findIndex(({ draft: other }) => other === moved);
      if (given < 0) taken.push(toFeedbackRemoval(from.id, moved.id));
      else added.splice(given, 1);
      sessions.add(toKeyed(from.session), { day: placeOf(from.id)!.day, updatedAt: NEVER });
      sessions.recount(toKeyed(from.session));
    }
    if (isKnown) continue;
    stored.set(log.id, [...known, draft]);
    added.push({ request: entry, log, draft });
  }
  const kept = toKeepLogs(
    added.map(({ log }) => log.id),
    parts.layout,
  );
  repeatIfDeleted(await pipelined(client, kept));
  await giveFeedback(parts.catalog, { drafts: [], feedback: added });
  await pipelined(client, [...taken, ...writeFeedback(added, sessions, parts).statements]);
}

function isSame(known: FeedbackDraft, draft: FeedbackDraft, isTimed: boolean): boolean {
  const { type, value, user, createdAt } = known;
  return (
    type === draft.type && value === draft.value && user === draft.user && (!isTimed || createdAt === draft.createdAt)
  );
}
