import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conventionsDocument } from '../../scripts/conventions-document.ts';

test('docs/conventions.md says what the recordings show; if not: npm run coverage-matrix', () => {
  expect(readFileSync('docs/conventions.md', 'utf8')).toBe(conventionsDocument());
});

test('each vocabulary has its row, with the kinds of its logs', () => {
  const row = conventionsDocument()
    .split('\n')
    .find((line) => line.startsWith('| `vercel-ai`'));
  expect(row).toMatch(/\| MTAG? +\|/);
});
