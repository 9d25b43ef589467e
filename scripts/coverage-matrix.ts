/** `npm run coverage-matrix`: writes `docs/conventions.md`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { conventionsDocument } from './conventions-document.ts';

const FILE = new URL('../docs/conventions.md', import.meta.url);

mkdirSync(new URL('.', FILE), { recursive: true });
writeFileSync(FILE, conventionsDocument());
