/** An app in this process, with a spool in its own directory. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HumanloopOptions } from '../../../src/index.ts';
import type { MisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { temporaryDirectory } from '../../support/start-test-server.ts';
import { appWithProcessor } from '../../support/traced-app.ts';

export const FSYNC_MILLIS = 20;

export function spoolDirectory(): string {
  return join(temporaryDirectory(), 'spool');
}

export function spooledApp(
  server: MisbehavingV4,
  directory: string,
  options: Omit<HumanloopOptions, 'spool'> = {},
  spool: Omit<NonNullable<HumanloopOptions['spool']>, 'directory'> = {},
) {
  return appWithProcessor(server, {
    flushTimeoutMillis: 5_000,
    ...options,
    spool: { directory, fsyncMillis: FSYNC_MILLIS, ...spool },
  });
}

/** Resolves when the spans that have ended before are on disk. */
export function written(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, FSYNC_MILLIS + 150));
}

/** All files of the directory, but for the one that is always there. */
export function spoolFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name !== '.gitignore')
    .sort();
}
