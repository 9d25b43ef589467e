/** Encodes the body of a POST: the JSON of its logs, with the fields that are decided last. */
import { EncodedText } from '../datapoint/body.ts';
import { Scratch } from '../datapoint/scratch.ts';
import type { LogEntry } from './ledger/log-entry.ts';

const scratch = new Scratch();

/** Returns the body of a request. Each log names the parent that it has at this moment. */
export function encodeWave(entries: readonly LogEntry[]): Buffer {
  scratch.restart();
  scratch.write('[');
  for (let index = 0; index < entries.length; index++) {
    if (index > 0) scratch.write(',');
    writeLog(entries[index] as LogEntry);
  }
  scratch.write(']');
  return scratch.take();
}

/** Lets the next waves use the memory of one that nobody reads any more. */
export function reuseWave(body: Buffer): void {
  scratch.reuse(body);
}

/** Writes the fields that are decided last, the id, the parent and the late fields, and then the others. */
function writeLog({ referenceId, effectiveParent, desired, body = '{}' }: LogEntry): void {
  const { output, error, duration } = desired;
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
  // An empty body, `{}`, has no field after the comma.
  if (body.length > 2) json += ',';
  scratch.write(json);
  if (typeof body === 'string') scratch.write(body.slice(1));
  else scratch.copyBody(body, 1);
}
