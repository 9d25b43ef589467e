/** `npm run coverage-matrix`: writes `docs/conventions.md` and `docs/vocabularies.md`. */
import { writeFileSync } from 'node:fs';
import { conventionsDocument } from './conventions-document.ts';
import { vocabulariesDocument } from './vocabularies-document.ts';

const DOCUMENTS = new URL('../docs/', import.meta.url);

writeFileSync(new URL('conventions.md', DOCUMENTS), conventionsDocument());
writeFileSync(new URL('vocabularies.md', DOCUMENTS), vocabulariesDocument());
