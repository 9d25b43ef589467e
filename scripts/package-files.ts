/**
 * The package's JavaScript: one file for each entry, and what they share beside them.
 *
 * An app imports this when it starts. A hundred small modules cost it several times what the same code in one file does.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const ENTRIES = ['index.ts', 'server/index.ts', 'register.ts', 'cli.ts'];

export async function writePackageFiles(directory: string): Promise<void> {
  const chunks = join(directory, 'chunks');
  await rm(chunks, { recursive: true, force: true });
  await build({
    entryPoints: ENTRIES.map((entry) => source + entry),
    outbase: source,
    outdir: directory,
    bundle: true,
    splitting: true,
    // In a folder: files are found from here by the same relative paths as from any other room.
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  });
}
