/** No document points at a file or a heading that is not there. Pictures are made by a command and not looked for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const documents = ['.', 'docs', 'examples', 'test/fixtures/spans'].flatMap((directory) =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(directory, file)),
);

/** As GitHub makes them from headings. */
function anchors(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test.each(documents)('%s', (document) => {
  const text = readFileSync(document, 'utf8').replaceAll(/^```.*?^```$/gms, '');
  const targets = [...text.matchAll(/(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const broken = targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : join(dirname(document), path);
    return !existsSync(file) || (anchor !== undefined && !anchors(file).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test('ARCHITECTURE.md has every room', () => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8');
  const rooms = readdirSync('src', { withFileTypes: true }).map(
    (entry) => entry.name + (entry.isDirectory() ? '/' : ''),
  );
  expect(rooms.filter((room) => !text.includes(`\`${room}\``))).toEqual([]);
});

test('the commands of the documents are there', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const named = documents.flatMap((document) =>
    [...readFileSync(document, 'utf8').matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string),
  );
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
  const paths = [...readFileSync('CONTRIBUTING.md', 'utf8').matchAll(/vitest run ([^`]+)`/g)].flatMap(([, list = '']) =>
    list.split(' '),
  );
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});
