/**
 * Bundles the package's JavaScript: one file for each entry, and chunks for what they share.
 *
 * Apps import it when they start, and a hundred small modules take several times as long as the same code in one file.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const ENTRIES = ['index.ts', 'server/index.ts', 'register.ts', 'register/loader-thread.ts', 'cli.ts'];

export async function writePackageFiles(directory: string): Promise<void> {
  const chunks = join(directory, 'chunks');
  await rm(chunks, { recursive: true, force: true });
  await build({
    entryPoints: ENTRIES.map((entry) => source + entry),
    outbase: source,
    outdir: directory,
    bundle: true,
    splitting: true,
    // In a folder of their own, so that the code finds other files by the same relative paths as in src.
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  });
}
