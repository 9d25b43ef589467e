/** What an operator watches of this engine. */
import { statSync } from 'node:fs';
import type { StoreMeasure } from '../store.ts';
import type { DiskSpace } from './file/disk-space.ts';
import { searchFileOf } from './file/search-file.ts';

export function toMeasures(file: string, space: DiskSpace, waiting: number): StoreMeasure[] {
  const { reserve, free } = space.measure();
  const gauge = (name: string, help: string, value: number): StoreMeasure => ({
    ...{ name, help, type: 'gauge' },
    samples: [{ value }],
  });
  return [
    gauge('humanloop_write_queue_requests', 'Requests that wait for their turn to be written.', waiting),
    gauge(
      'humanloop_store_bytes',
      'The files of the database and of its search index, with their write-ahead logs, in bytes.',
      [file, searchFileOf(file)].reduce((sum, each) => sum + sizeOf(each) + sizeOf(`${each}-wal`), 0),
    ),
    gauge('humanloop_disk_free_bytes', 'Free space where the database is, in bytes.', free),
    gauge(
      'humanloop_disk_reserve_bytes',
      'Space that is kept for deletions on a full disk, in bytes; 0 while it is used up.',
      reserve,
    ),
  ];
}

/** In memory, there is no file. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
