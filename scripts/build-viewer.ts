/** `npm run build`, its second half: src/viewer to dist/viewer, one page, one script, one style sheet. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { fillIn } from '../src/server/viewer/page-template.ts';

/** All three together, gzipped. */
const MAX_GZIPPED_BYTES = 60_000;

const source = fileURLToPath(new URL('../src/viewer/', import.meta.url));
const target = fileURLToPath(new URL('../dist/viewer/', import.meta.url));

const { outputFiles } = await build({
  entryPoints: { viewer: `${source}main.tsx`, style: `${source}viewer.css` },
  outdir: target,
  // The name says what is in it, so a browser can keep it for ever.
  entryNames: 'viewer-[hash]',
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  tsconfig: `${source}tsconfig.json`,
});
const script = outputFiles.find(({ path }) => path.endsWith('.js'))!;
const style = outputFiles.find(({ path }) => path.endsWith('.css'))!;
const template = await readFile(`${source}page.html`, 'utf8');
const withScript = fillIn(template, 'script', basename(script.path));
const page = fillIn(withScript, 'style', basename(style.path));
// For the server to fill in: throws now, and not there, where the page has no place for them.
fillIn(fillIn(fillIn(page, 'firstData', ''), 'styleRoot', ''), 'scriptRoot', '');

const gzippedBytes = [script.contents, style.contents, page].reduce(
  (sum, file) => sum + gzipSync(file, { level: 9 }).length,
  0,
);
if (gzippedBytes > MAX_GZIPPED_BYTES) {
  throw new Error(`The viewer has ${gzippedBytes} bytes gzipped, at most ${MAX_GZIPPED_BYTES} are allowed.`);
}
// The page after what it names, and the old files last: a server may be reading them.
await mkdir(target, { recursive: true });
for (const { path, contents } of outputFiles) await writeFile(path, contents);
await writeFile(`${target}index.html`, page);
const current = new Set(['index.html', ...outputFiles.map(({ path }) => basename(path))]);
for (const name of await readdir(target)) if (!current.has(name)) await rm(`${target}${name}`);
if (process.env['npm_config_loglevel'] !== 'silent') console.log(`viewer: ${gzippedBytes} bytes gzipped`);
