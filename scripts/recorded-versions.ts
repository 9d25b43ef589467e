/** The versions of the packages that wrote the recorded spans. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const RECORDINGS = fileURLToPath(new URL('../test/fixtures/spans/', import.meta.url));

/** Returns the versions of a package in the recordings with a log of this vocabulary, the oldest first. */
export function recordedVersions(convention: string, packageName: string): string[] {
  const versions = new Set<string>();
  for (const file of readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.expected.json')) continue;
    const datapoints = readJson<{ metadata: { convention?: string } }[]>(file);
    if (!datapoints.some(({ metadata }) => metadata.convention === convention)) continue;
    const { packages } = readJson<{ packages?: Record<string, string> }>(file.replace('.expected.json', '.json'));
    const version = packages?.[packageName];
    if (version !== undefined) versions.add(version);
  }
  return [...versions].sort((first, second) => first.localeCompare(second, 'en', { numeric: true }));
}

function readJson<Content>(file: string): Content {
  return JSON.parse(readFileSync(RECORDINGS + file, 'utf8')) as Content;
}
