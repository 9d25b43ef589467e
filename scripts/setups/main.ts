/**
 * `npm run setups`: tries the package as users install it, packed, with real SDKs and instrumentations, on several
 * versions of Node. Prints a table in Markdown. Needs the npm registry.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startServer } from 'humanloop-otel/server';
import { openProvider } from './provider.ts';
import { SETUPS } from './rows.ts';
import { installNode, installSetup, type RunResult, runSetup, type Workplace } from './run-setup.ts';
import { FORMATS, NODES, type Setup } from './setup.ts';
import { describeResult, HEAD, toCells, toLine, writeTables } from './tables.ts';

const USAGE = `Usage: npm run setups -- [--only TEXT]... [--node MAJOR]... [--directory DIR] [--write]

  --only TEXT      rows whose name contains the text
  --node MAJOR     this version of Node only
  --directory DIR  where the rows are installed (default: in the system's temporary directory)
  --write          if all rows give what they should, write the tables of README.md and docs/setups.md`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    node: { type: 'string', multiple: true },
    directory: { type: 'string', default: join(tmpdir(), 'humanloop-otel-setups') },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
});
if (values.help) console.log(USAGE);
else process.exitCode = await main();

async function main(): Promise<number> {
  if (values.write && (values.only || values.node)) {
    console.error('--write needs all rows on all versions of Node: leave out --only and --node');
    return 2;
  }
  const directory = values.directory as string;
  await mkdir(directory, { recursive: true });
  const provider = await openProvider();
  const workplace: Workplace = { directory, tarball: await pack(directory), providerUrl: provider.url };
  const rows = SETUPS.filter(({ name }) => values.only?.some((text) => name.includes(text)) ?? true);
  console.log(`${toLine(HEAD)}\n${toLine(HEAD.map(() => '---'))}`);
  let failures = 0;
  for (const setup of rows) failures += await tryRow(setup, workplace);
  provider.close();
  if (values.write && failures === 0) await writeTables();
  return failures === 0 ? 0 : 1;
}

async function pack(directory: string): Promise<string> {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
  const { stdout } = await promisify(execFile)('npm', args, { maxBuffer: 1e8 });
  const packed = JSON.parse(stdout) as { filename: string }[] | Record<string, { filename: string }>;
  return join(directory, (Object.values(packed)[0] as { filename: string }).filename);
}

/** Returns the number of failures. */
async function tryRow(setup: Setup, workplace: Workplace): Promise<number> {
  const nodes = (setup.nodes ?? NODES).filter((node) => values.node?.includes(String(node)) ?? true);
  if (nodes.length === 0) return 0;
  const results = new Map<string, RunResult>();
  try {
    const folder = await installSetup(setup, workplace);
    for (const version of nodes) {
      const node = await installNode(version, workplace);
      for (const format of setup.formats ?? FORMATS) {
        const server = await startServer({ port: 0, file: ':memory:' });
        const run = { folder, node, format, baseUrl: server.baseUrl, providerUrl: workplace.providerUrl };
        results.set(`${version} ${format}`, await runSetup(setup, run));
        await server.close();
      }
    }
  } catch (error) {
    console.log(toLine(toCells(setup, nodes, `**does not install: ${firstLine(error)}**`)));
    return 1;
  }
  const failed = [...results].filter(([, { isExpected }]) => !isExpected);
  const gets = describeResult(setup);
  const result = failed.length === 0 ? gets : `**${failed.length} of ${results.size} failed**`;
  console.log(toLine(toCells(setup, nodes, result)));
  for (const [run, { sessions, code, stderr }] of failed) {
    const expected = setup.expects.join(', ') || 'none';
    console.error(
      `  ${run}: exit code ${code}, got ${sessions.join(', ') || 'no logs'}, expected ${expected}\n${indent(stderr)}`,
    );
  }
  return failed.length;
}

function firstLine(error: unknown): string {
  return String(error).split('\n', 1)[0] ?? '';
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ');
}
