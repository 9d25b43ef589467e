/**
 * What clients have updated of a log that the server makes of spans: outputs and errors that are not those which it has
 * written. They stay, whatever more comes of the spans.
 */
import { answerOf } from '../../../trace/same-call/call-span.ts';
import type { LogRequest } from '../../../wire/v4.ts';
import { storableText } from '../../store/storable-text.ts';
import type { ArrivedLog } from './skeletons/arrival.ts';
import type { Said } from './skeletons/skeleton.ts';
import { hashOf } from './skeletons/summarise.ts';

type Updates = Pick<LogRequest, 'output' | 'error'>;
const FIELDS = ['output', 'error'] as const;
/** To hash a longer text takes as long as to link some hundred spans. */
const LONG_CHARS = 50_000;

/** `arrived` spares hashing a text again: most logs have the answer of their span as output. */
export function saidIn(log: LogRequest, arrived?: ArrivedLog): Said {
  const { output } = log;
  const isAnswer =
    typeof output === 'string' && arrived !== undefined && storableText(output) === answerOf(arrived.reading);
  return { output: isAnswer ? arrived.summary.answer : hashOfText(output), error: hashOfText(log.error) };
}

/** Whether `saidIn` takes long for this log. */
export function saysMuch(log: LogRequest | undefined): boolean {
  return FIELDS.some((field) => (log?.[field]?.length ?? 0) > LONG_CHARS);
}

/** An update sets a field and never clears one. Nothing is known to be updated where it is not known what was written. */
export function updatesOf(stored: LogRequest | undefined, said: Said | undefined): Updates {
  const updates: { -readonly [Field in keyof Updates]: Updates[Field] } = {};
  if (!stored || !said) return updates;
  for (const field of FIELDS) {
    const hash = hashOfText(stored[field]);
    if (hash !== undefined && hash !== said[field]) updates[field] = stored[field];
  }
  return updates;
}

/** Takes fields out that only an update can have set. What it has replaced is not known any more, and stays replaced. */
export function withoutUpdates(stored: LogRequest, said: Said | undefined): LogRequest {
  const updated = Object.keys(updatesOf(stored, said)) as (keyof Updates)[];
  const added = updated.filter((field) => said?.[field] === undefined);
  if (added.length === 0) return stored;
  const rest = { ...stored };
  for (const field of added) delete rest[field];
  return rest;
}

/** Returns what was written of a log into which `updates` came: they stay updates, also if the spans say the same later. */
export function saidBeside(updates: Updates, composed: Said, before: Said | undefined): Said {
  return {
    output: updates.output === undefined ? composed.output : before?.output,
    error: updates.error === undefined ? composed.error : before?.error,
  };
}

function hashOfText(text: string | null | undefined): string | undefined {
  return typeof text === 'string' ? hashOf(storableText(text)) : undefined;
}
