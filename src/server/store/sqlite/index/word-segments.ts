/**
 * What the search index says of its own segments: each has the words of some logs, in one sorted run. A deleted log leaves
 * its words in its segment, with a tombstone beside it, until the segment is merged into a new one.
 *
 * The record is read and never written. Its format is that of FTS5 for tables with `contentless_delete`:
 * https://sqlite.org/src/file/ext/fts5/fts5_index.c, "Structure record".
 */

/** The row of the table of the index's data in which the record is. */
export const SEGMENTS_ROW = 10;

/** After a cookie of 4 bytes. Another mark would be of another kind of table. */
const MARK = [0xff, 0, 0, 1];

export interface WordSegment {
  /** Of this segment only, however much of it a merge has read and removed already. */
  readonly name: string;
  /** Segments of one level are merged with each other. */
  readonly level: number;
  /** The first and the last of the engine's writes that it has words of: they are numbered, merges have no number. */
  readonly firstWrite: number;
  readonly lastWrite: number;
  /** How long it is now. */
  readonly pages: number;
  /** Whether words of deleted logs may be in it. */
  readonly hasTombstones: boolean;
  /** Whether a merge that has begun reads it, and will remove it. */
  readonly isMerging: boolean;
}

export function readWordSegments(record: Uint8Array): WordSegment[] {
  if (MARK.some((byte, index) => record[4 + index] !== byte)) {
    throw new Error('the search index has a format that is not known here');
  }
  const next = createVarintReader(record, 4 + MARK.length);
  const segments: WordSegment[] = [];
  const levels = next();
  next(); // the number of segments
  next(); // a counter of writes
  for (let level = 0; level < levels; level += 1) {
    const merging = next();
    const count = next();
    for (let at = 0; at < count; at += 1) {
      const id = next();
      // The first page moves while the segment is merged, so it is no part of the name.
      const [firstPage, lastPage, firstWrite, lastWrite, tombstonePages] = [next(), next(), next(), next(), next()];
      next(); // the number of tombstones
      next(); // the number of logs
      segments.push({
        ...{ name: `${id} ${firstWrite} ${lastWrite}`, level, firstWrite, lastWrite },
        ...{ pages: lastPage - firstPage + 1, hasTombstones: tombstonePages > 0, isMerging: at < merging },
      });
    }
  }
  return segments;
}

/** SQLite's variable-length integers: seven bits a byte, the highest first. */
function createVarintReader(bytes: Uint8Array, from: number): () => number {
  let at = from;
  return () => {
    let value = 0;
    for (let length = 1; ; length += 1) {
      const byte = bytes[at];
      if (byte === undefined) throw new Error('the record of the search index ends early');
      at += 1;
      if (length === 9) return value * 256 + byte;
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
  };
}
