/** Packs the package as it is published. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** `directory` has package.json and a built `dist`. Resolves to the absolute path of the tarball. */
export async function packPackage(directory: string): Promise<{ tarball: string; remove(): Promise<void> }> {
  const target = await mkdtemp(join(tmpdir(), 'humanloop-otel-packed-'));
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', target];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: directory });
  const packed: unknown = JSON.parse(stdout);
  // A list up to npm 11, an object by name in later ones.
  const [{ filename }] = Object.values(packed as object) as [{ filename: string }];
  return { tarball: join(target, filename), remove: () => rm(target, { recursive: true, force: true }) };
}
