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

/** On GitHub, derived from the one place that names the repository. */
const { homepage } = JSON.parse(readFileSync('package.json', 'utf8')) as { homepage: string };
const REPOSITORY = homepage.replace(/#.*/, '');
const ROOTS = [
  `${REPOSITORY}/blob/main/`,
  `${REPOSITORY.replace('https://github.com/', 'https://raw.githubusercontent.com/')}/main/`,
];

/** The targets of links and of definitions of links. */
function targetsOf(document: string, withPictures: boolean): string[] {
  const text = readFileSync(document, 'utf8').replaceAll(/^```.*?^```$/gms, '');
  const inline = withPictures ? /\[[^\]]*\]\(([^)\s]+)\)/g : /(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g;
  return [...text.matchAll(inline), ...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)].map(([, target = '']) => target);
}

test.each(documents)('%s', (document) => {
  const broken = targetsOf(document, false).filter((target) => {
    const root = ROOTS.find((start) => target.startsWith(start));
    if (!root && /^https?:/.test(target)) return target.startsWith(REPOSITORY);
    const [path = '', anchor] = target.slice(root?.length ?? 0).split('#');
    const file = root ? path : path === '' ? document : join(dirname(document), path);
    return !existsSync(file) || (anchor !== undefined && !anchors(file).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test('the README works on npmjs.com, where only its own anchors and absolute addresses lead somewhere', () => {
  const relative = targetsOf('README.md', true).filter((target) => !/^(https:|http:\/\/127|#)/.test(target));
  expect(relative).toEqual([]);
  expect(targetsOf('README.md', true).filter((target) => ROOTS.some((root) => target.startsWith(root)))).not.toEqual(
    [],
  );
  expect(readFileSync('README.md', 'utf8')).not.toMatch(/<(img|a) /);
});

test('each reference of a link in the README is defined, and each definition is used', () => {
  const text = readFileSync('README.md', 'utf8').replaceAll(/^```.*?^```$/gms, '');
  const defined = [...text.matchAll(/^\[([^\]]+)\]: /gm)].map(([, name]) => name);
  const used = [...text.matchAll(/\[([^\]]+)\](?:\[([^\]]*)\])/g)].map(([, label, name]) => name || label);
  expect([...new Set(used)].sort()).toEqual([...defined].sort());
});

test('package.json names one repository', () => {
  const { repository, bugs } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
  expect(repository).toEqual({ type: 'git', url: `git+${REPOSITORY}.git` });
  expect(bugs).toBe(`${REPOSITORY}/issues`);
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
