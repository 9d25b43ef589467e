import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { FirstData } from '../../../src/server/store/viewer-store.ts';
import { withFirstData } from '../../../src/server/viewer/first-data.ts';

const page = readFileSync(new URL('../../../src/viewer/page.html', import.meta.url), 'utf8');

function dataWith(text: string): FirstData {
  const time = '2026-01-01T00:00:00Z';
  const numbers = { key: 1, logs: 1, errors: 0, running: 0, duration: 0 };
  const session = { ...numbers, id: 's', projects: [text], first_input: text, started_at: time, updated_at: time };
  return { sessions: { sessions: [session], next: null, version: 1 } };
}

test.each([
  '</script><script>alert(1)</script>',
  '<!-- <script> -->',
  ']]> & &lt; &#60;',
  "$& $` $' $1",
  'line\u2028paragraph\u2029nul\0escape\u001b',
  'half \ud800 a pair',
])('%j stays a text inside of the data block', (text) => {
  const written = withFirstData(page, dataWith(text));
  const [before, after] = page.split('null</script>');
  expect(written.startsWith(before!)).toBe(true);
  expect(written.endsWith(`</script>${after}`)).toBe(true);
  const block = written.slice(before!.length, -`</script>${after}`.length);
  expect(block).not.toMatch(/[<>&\u2028\u2029\p{Cc}]/u);
  expect(JSON.parse(block)).toEqual(dataWith(text));
});

test('a page without data is the page', () => {
  expect(withFirstData(page, undefined)).toBe(page);
});
