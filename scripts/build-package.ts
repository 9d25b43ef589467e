/** The second step of `npm run build`: bundles src into dist and removes old chunks. */
import { fileURLToPath } from 'node:url';
import { writePackageFiles } from './package-files.ts';

await writePackageFiles(fileURLToPath(new URL('../dist/', import.meta.url)));
