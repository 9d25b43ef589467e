/** The second step of `npm run build`: bundles src into dist and removes old chunks and needless declarations. */
import { fileURLToPath } from 'node:url';
import { writeDeclarations } from './declarations.ts';
import { writePackageFiles } from './package-files.ts';

const directory = fileURLToPath(new URL('../dist/', import.meta.url));
await writePackageFiles(directory);
await writeDeclarations(directory);
