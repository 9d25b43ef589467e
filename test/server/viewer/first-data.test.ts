import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { FirstData } from '../../../src/server/store/viewer-store.ts';
import { withFirstData } from '../../../src/server/viewer/first-data.ts';

const page = readFileSync(new URL('../../../src/viewer/page.html', import.meta.url), 'utf8');

function dataWith(text: string): FirstData {
  const time = '2026-01-01T00:00:00Z';
  const numbers = { key: 1, logs: 1, errors: 0, running: 0, duration: 0, ended_at: 1767225600 };
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
  const [before, after] = page.split('"%FIRST_DATA%"</script>');
  expect(written.startsWith(before!)).toBe(true);
  expect(written.endsWith(`</script>${after}`)).toBe(true);
  const block = written.slice(before!.length, -`</script>${after}`.length);
  expect(block).not.toMatch(/[<>&\u2028\u2029\p{Cc}]/u);
  expect(JSON.parse(block)).toEqual(dataWith(text));
});

test('a page without data says so', () => {
  expect(withFirstData(page, undefined)).toBe(page.replace('"%FIRST_DATA%"', 'null'));
});

test.each([
  ['no', 0, page.replace('"%FIRST_DATA%"', 'null')],
  ['more than one', 2, `${page}"%FIRST_DATA%"`],
])('a page with %s place for data is not served, and why is said', (_, places, broken) => {
  expect(() => withFirstData(broken, undefined)).toThrow(
    `the viewer's page must have "%FIRST_DATA%" once, and has it ${places} times`,
  );
});
