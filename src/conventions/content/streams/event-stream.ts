/**
 * The text of an answer as it came over the wire, which gateways and proxies record → the events in it.
 *
 * - Server-sent events are lines such as `event: message_start`, `data: {"type":"message_start",…}` and `data: [DONE]`, with a
 *   blank line after each event.
 * - Ollama and Cohere's first API write each event as a line of JSON, and nothing else. So do proxies with those of others.
 */
import { isObject } from '../../../wire/json.ts';
import { jsonOf } from '../../values/attributes.ts';
import { areJsonLines } from '../../values/json/json-lines.ts';
import { mayParse, withOneBudget } from '../../values/json/text-weight.ts';

/** Fields and comments may stand before the first event, and all of it in JSON's quotes. */
const START = /^"?(?:\s|\\[nr]){0,4}(?:data: ?\{|event: ?[\w.-]{1,64}[\s\\]|id:|retry:|:)/;
const LINE = /\r\n|\n|\r/;
const OTHER_LINE = /^(?:event|id|retry):|^:|^$/;
const END = '[DONE]';
/** The beginning of a line that was cut off before its data. */
const CUT_OFF = /^(?:d|da|dat|data|data: ?\[?D?O?N?E?|data: ?\{.*|e|ev|eve|even|event|i|id|r|re|ret|retr|retry)$/;

/** Whether a text begins as a stream of events, which it need not be. */
export function mayBeEvents(text: string): boolean {
  return START.test(text) || areJsonLines(text);
}

/** Returns the events; undefined if anything else is in the text. The last event may have been cut off, and is left out. */
export function eventsInText(text: string): Record<string, unknown>[] | undefined {
  if (areJsonLines(text)) return eventsInLines(text);
  if (!START.test(text) || !mayParse(text)) return undefined;
  const lines = text.split(LINE);
  const events: Record<string, unknown>[] = [];
  for (const [at, line] of lines.entries()) {
    const data = line.startsWith('data:') ? line.slice('data:'.length).trim() : undefined;
    if (data === END || (data === undefined && OTHER_LINE.test(line))) continue;
    const event = data?.endsWith('}') ? parseEvent(data) : undefined;
    if (isObject(event)) events.push(event);
    else if (at < lines.length - 1 || !CUT_OFF.test(line)) return undefined;
  }
  return events.length > 0 ? events : undefined;
}

/** It has been counted with the whole stream. */
function parseEvent(text: string): unknown {
  return withOneBudget(() => jsonOf(text));
}

function eventsInLines(text: string): Record<string, unknown>[] | undefined {
  if (!mayParse(text)) return undefined;
  const lines = text.split(LINE).filter((line) => line.trim() !== '');
  const events: Record<string, unknown>[] = [];
  for (const [at, line] of lines.entries()) {
    const event = line.trimEnd().endsWith('}') ? parseEvent(line) : undefined;
    if (isObject(event)) events.push(event);
    else if (at < lines.length - 1 || !line.startsWith('{')) return undefined;
  }
  return events.length > 0 ? events : undefined;
}
