/**
 * Keeps, of the type declarations that the compiler has written, those that the entries lead to, and copies them as
 * CommonJS (`.d.cts`): TypeScript takes a `.d.ts` of this package for an ES module, which CommonJS could not import.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const ENTRIES = ['index', 'server/index', 'register'];
const RELATIVE_IMPORT = /((?:\bfrom|\bimport) ?\(?['"])(\.\.?\/[^'"]+)\.[jt]s(['"])/g;

export async function writeDeclarations(directory: string): Promise<void> {
  const reached = new Set<string>();
  for (const entry of ENTRIES) await copy(join(directory, `${entry}.d.ts`), reached);
  for (const name of await readdir(directory, { recursive: true })) {
    const file = join(directory, name);
    if (file.endsWith('.d.ts') && !reached.has(file)) await rm(file);
  }
}

async function copy(file: string, reached: Set<string>): Promise<void> {
  if (reached.has(file)) return;
  reached.add(file);
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(RELATIVE_IMPORT, '$1$2.js$3'));
  await writeFile(file.replace(/ts$/, 'cts'), text.replaceAll(RELATIVE_IMPORT, '$1$2.cjs$3'));
  for (const [, , target] of text.matchAll(RELATIVE_IMPORT)) {
    await copy(join(dirname(file), `${target}.d.ts`), reached);
  }
}
