/** Encodes the body of a POST: the JSON of its logs, with the fields that are decided last. */
import { EncodedText } from '../datapoint/body.ts';
import { Scratch } from '../datapoint/scratch.ts';
import type { LogEntry } from './ledger/log-entry.ts';

const scratch = new Scratch();
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/** Returns the body of a request. Each log names the parent that it has at this moment. */
export function encodeWave(entries: readonly LogEntry[]): Buffer {
  scratch.restart();
  scratch.writeByte(OPEN_BRACKET);
  // Of a loop here V8 would compile all that it calls once more.
  entries.forEach(writeLog);
  scratch.writeByte(CLOSE_BRACKET);
  return scratch.take();
}

/** Lets the next waves use the memory of one that nobody reads any more. */
export function reuseWave(body: Buffer): void {
  scratch.reuse(body);
}

/** Writes the fields that are decided last, the id, the parent and the late fields, and then the others. */
function writeLog({ referenceId, effectiveParent, desired, body = '{}' }: LogEntry, index: number): void {
  const { output, error, duration } = desired;
  if (index > 0) scratch.writeByte(COMMA);
  let json = `{"reference_id":"${referenceId}"`;
  if (effectiveParent) json += `,"parent_reference_id":"${effectiveParent.referenceId}"`;
  if (error !== undefined) json += `,"error":${JSON.stringify(error)}`;
  if (duration !== undefined) json += `,"duration":${duration}`;
  if (output !== undefined) json += ',"output":';
  if (output instanceof EncodedText) {
    scratch.write(json);
    scratch.copyText(output);
    json = '';
  } else if (output !== undefined) {
    json += JSON.stringify(output);
  }
  if (json !== '') scratch.write(json);
  // An empty body, `{}`, has no field after the comma.
  if (body.length > 2) scratch.writeByte(COMMA);
  if (typeof body === 'string') scratch.write(body.slice(1));
  else scratch.copyBody(body, 1);
}
