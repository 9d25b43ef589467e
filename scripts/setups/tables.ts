/**
 * The tables of README.md and docs/setups.md, made from the rows. They say what `npm run setups` has checked: it writes
 * them only if every row gave what it should, and a test compares them with the rows.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { table } from '../markdown-table.ts';
import { SETUPS } from './rows.ts';
import { NODES, type Setup } from './setup.ts';

const BEGIN = '<!-- written by npm run setups -->';
const END = '<!-- end of what is written -->';
/** What the text above the tables tells to install. */
const GOES_WITHOUT_SAYING = ['@opentelemetry/api', '@opentelemetry/sdk-trace-node'];
/** Stands in rows for the folder of the documents. */
const DOCUMENTS = 'DOCS/';

/** The cells of docs/setups.md, which `npm run setups` prints too. */
export const HEAD = ['Set-up', 'Install and set', 'Node', 'You get'];

export function toCells(setup: Setup, nodes = setup.nodes ?? NODES, gets = describeResult(setup)): string[] {
  return [setup.name, whatToDo(setup, []), nodes.join(', '), gets];
}

export const toLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export function describeResult({ expects, says }: Setup): string {
  if (expects.length === 0) return `nothing; a line says \`${says}\``;
  const all = expects.join(' ');
  const kinds = ['agent', 'model', 'tool'].filter((kind) => all.includes(kind)).map((kind) => PLURALS[kind]);
  const isNested = all.includes('(') || kinds.length > 1;
  const hasContent = [...all.matchAll(/model(!?)/g)].every(([, mark]) => mark === '!');
  const isGrouped = kinds.length === 1 && expects.some((session) => session.includes(' '));
  return [
    joined(kinds as string[]),
    isNested && 'nested',
    hasContent ? 'with content' : 'without content',
    isGrouped && 'grouped into sessions',
  ]
    .filter(Boolean)
    .join(', ');
}

const PLURALS: Readonly<Record<string, string>> = { agent: 'agents', model: 'model calls', tool: 'tool calls' };

function joined(words: string[]): string {
  return words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function whatToDo({ install, env = {}, nodeArgs, tracing }: Setup, left: readonly string[]): string {
  const packages = install.filter((name) => !left.includes(name)).map((name) => `\`${name}\``);
  const variables = Object.entries(env).map(([name, value]) => `\`${name}=${value}\``);
  const command = nodeArgs && `\`node ${nodeArgs.join(' ')}\``;
  const program = tracing && `[\`${tracing}.mjs\`](../scripts/setups/apps/tracing/${tracing}.mjs)`;
  return [...packages, ...variables, command, program].filter(Boolean).join(', ') || 'nothing more';
}

/** The README's table: a line for each distinct `line.have` of the rows, from the first of them. */
function shortTable(inReadme: (cell: string) => string): string {
  const lines = new Map<string, readonly string[]>();
  for (const setup of SETUPS) {
    if (!setup.line || lines.has(setup.line.have)) continue;
    const { have, todo = whatToDo(setup, GOES_WITHOUT_SAYING) } = setup.line;
    lines.set(have, [have, inReadme(todo), describeResult(setup)]);
  }
  return table(['You have', 'Install or set', 'You get'], [...lines.values()]);
}

/** Returns the documents with their tables, by path. */
export async function renderTables(): Promise<Map<string, string>> {
  const { homepage } = JSON.parse(await readFile('package.json', 'utf8')) as { homepage: string };
  const documents = `${homepage.replace(/#.*/, '')}/blob/main/docs/`;
  const long = table(
    HEAD,
    SETUPS.map((setup) => toCells(setup)),
  );
  return new Map([
    [
      'README.md',
      await withTable(
        'README.md',
        shortTable((cell) => cell.replaceAll(DOCUMENTS, documents)),
      ),
    ],
    ['docs/setups.md', await withTable('docs/setups.md', long)],
  ]);
}

export async function writeTables(): Promise<void> {
  for (const [path, text] of await renderTables()) await writeFile(path, text);
}

async function withTable(path: string, table: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for its table: ${BEGIN} … ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`;
}
