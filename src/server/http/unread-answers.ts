/**
 * Counts the bytes of answers that clients have not read yet. A client that reads slowly keeps its answer in memory: where
 * the answers are too many, the one that is read slowest is cut off, so that nobody can keep the others from theirs.
 */
import type { ServerResponse } from 'node:http';
import { HttpError } from './http-error.ts';

/** So much is handed over at once: it tells how far the client has read. */
const PIECE_BYTES = 64 * 1024;
/** An answer that began less long ago does not give way. */
const LEAST_MILLIS = 2_000;

interface UnreadAnswer {
  readonly response: ServerResponse;
  readonly bytes: number;
  readonly since: number;
  sentBytes: number;
}

export interface UnreadAnswers {
  /** Returns a function to call when some of it is sent. Throws a 503 `HttpError` where there is no room. */
  add(response: ServerResponse, bytes: number): (sentBytes: number) => void;
}

export function createUnreadAnswers(maxBytes: number): UnreadAnswers {
  const answers = new Set<UnreadAnswer>();
  let unreadBytes = 0;

  const remove = (answer: UnreadAnswer): void => {
    if (answers.delete(answer)) unreadBytes -= answer.bytes;
  };

  const findSlowest = (): UnreadAnswer | undefined => {
    const now = performance.now();
    const speedOf = ({ sentBytes, since }: UnreadAnswer) => sentBytes / (now - since);
    let slowest: UnreadAnswer | undefined;
    for (const answer of answers) {
      if (now - answer.since < LEAST_MILLIS) continue;
      if (!slowest || speedOf(answer) < speedOf(slowest)) slowest = answer;
    }
    return slowest;
  };

  return {
    add: (response, bytes) => {
      while (unreadBytes + bytes > maxBytes) {
        const slowest = findSlowest();
        if (!slowest) throw new HttpError(503, 'too many answers wait to be read', { 'Retry-After': '1' });
        remove(slowest);
        slowest.response.destroy();
      }
      const answer: UnreadAnswer = { response, bytes, since: performance.now(), sentBytes: 0 };
      answers.add(answer);
      unreadBytes += bytes;
      response.once('close', () => remove(answer));
      return (sentBytes) => {
        answer.sentBytes = sentBytes;
      };
    },
  };
}

/** Sends the bytes and ends the answer. `onSent` is called with how many the system has taken, which are fewer than it was given. */
export function sendInPieces(response: ServerResponse, bytes: Buffer, onSent: (sentBytes: number) => void): void {
  let at = 0;
  const sendNext = (): void => {
    onSent(at);
    while (bytes.length - at > PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      at += piece.length;
      if (!response.write(piece)) return void response.once('drain', sendNext);
    }
    response.end(bytes.subarray(at));
  };
  sendNext();
}
