/**
 * Counts the bytes of all bodies that are being read or worked on. Where they are too many, a body that has stopped in
 * the middle gives way to those that flow. Small bodies have a share of their own, so that large ones cannot keep them
 * out.
 */

/** In parts of all: what large bodies leave to small ones. */
const SHARE_OF_SMALL = 1 / 4;
/** A body that has grown by less than `FLOWING_BYTES` in this time has stopped. */
const STOPPED_MILLIS = 2_000;
const FLOWING_BYTES = 16 * 1024;

export interface BodySpace {
  /** Returns whether there is room for so many more bytes of this body. */
  grow(bytes: number): boolean;
  /** The body is complete: it no longer gives way. */
  complete(): void;
  /** Gives back all bytes. Idempotent. */
  free(): void;
}

interface Body {
  bytes: number;
  isReading: boolean;
  /** When it had grown by `FLOWING_BYTES`, and how large it was then. */
  flowedAt: number;
  flowedBytes: number;
  readonly giveWay: () => void;
}

export function createBodyMemory(maxBytes: number, smallBytes: number): (giveWay: () => void) => BodySpace {
  const bodies = new Set<Body>();
  let used = 0;
  let usedByLarge = 0;
  const maxByLarge = maxBytes * (1 - SHARE_OF_SMALL);

  const add = (body: Body, bytes: number): void => {
    if (body.bytes > smallBytes) usedByLarge -= body.bytes;
    body.bytes += bytes;
    used += bytes;
    if (body.bytes > smallBytes) usedByLarge += body.bytes;
  };

  const hasRoom = (body: Body, bytes: number): boolean => {
    if (used + bytes > maxBytes) return false;
    if (body.bytes + bytes <= smallBytes) return true;
    const more = body.bytes > smallBytes ? bytes : body.bytes + bytes;
    return usedByLarge + more <= maxByLarge || usedByLarge === (body.bytes > smallBytes ? body.bytes : 0);
  };

  /** Returns the body that has not flowed for longest, if it has stopped. */
  const findStopped = (except: Body): Body | undefined => {
    let stopped: Body | undefined;
    const before = performance.now() - STOPPED_MILLIS;
    for (const body of bodies) {
      if (body === except || !body.isReading || body.flowedAt > before) continue;
      if (!stopped || body.flowedAt < stopped.flowedAt) stopped = body;
    }
    return stopped;
  };

  return (giveWay) => {
    const body: Body = { bytes: 0, isReading: true, flowedAt: performance.now(), flowedBytes: 0, giveWay };
    bodies.add(body);
    const free = (each: Body): void => {
      if (!bodies.delete(each)) return;
      add(each, -each.bytes);
    };
    return {
      grow: (bytes) => {
        while (!hasRoom(body, bytes)) {
          const stopped = findStopped(body);
          if (!stopped) return false;
          free(stopped);
          stopped.giveWay();
        }
        add(body, bytes);
        if (body.bytes - body.flowedBytes >= FLOWING_BYTES) {
          body.flowedBytes = body.bytes;
          body.flowedAt = performance.now();
        }
        return true;
      },
      complete: () => {
        body.isReading = false;
      },
      free: () => free(body),
    };
  };
}
