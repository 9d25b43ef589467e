/** Builds the package once per test run, for tests of apps that have it installed. Types are checked elsewhere. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { writePackageFiles } from '../../scripts/package-files.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Directory with the package as it is published, without its type declarations. */
    builtPackage: string;
  }
}

export default async function buildPackage({ provide }: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'humanloop-otel-built-'));
  await writePackageFiles(join(directory, 'dist'));
  await cp('package.json', join(directory, 'package.json'));
  provide('builtPackage', directory);
  return () => rm(directory, { recursive: true, force: true });
}
