import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conventionsDocument } from '../../scripts/conventions-document.ts';
import { vocabulariesDocument } from '../../scripts/vocabularies-document.ts';
import { CONVENTIONS } from '../../src/conventions/table.ts';

test('docs/conventions.md says what the recordings show; if not: npm run coverage-matrix', () => {
  expect(readFileSync('docs/conventions.md', 'utf8')).toBe(conventionsDocument());
});

test('docs/vocabularies.md says what the table has; if not: npm run coverage-matrix', () => {
  expect(readFileSync('docs/vocabularies.md', 'utf8')).toBe(vocabulariesDocument());
});

test('each vocabulary has its row, with the kinds of its logs', () => {
  const row = conventionsDocument()
    .split('\n')
    .find((line) => line.startsWith('| `vercel-ai`'));
  expect(row).toMatch(/\| MTAG? +\|/);
});

test('each vocabulary has a title, and each of its packages a version', () => {
  const document = vocabulariesDocument();
  for (const { name, title, packages = [], isAddition } of CONVENTIONS) {
    if (isAddition) continue;
    expect(document).toContain(`\`${name}\``);
    expect(title, `the title of ${name}`).toBeDefined();
    for (const one of packages) expect(document).toMatch(new RegExp(`\`${one}\` \\d`));
  }
});
