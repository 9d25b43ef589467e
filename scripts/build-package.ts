/** `npm run build`, its middle: src to dist. What was built before by another layout goes. */
import { fileURLToPath } from 'node:url';
import { writePackageFiles } from './package-files.ts';

await writePackageFiles(fileURLToPath(new URL('../dist/', import.meta.url)));
