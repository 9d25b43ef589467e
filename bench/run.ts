/**
 * `npm run bench`: runs all scenarios and writes `bench/RESULTS.md`.
 *
 *     npm run bench -- --quick                 one round of the main table, in less than a minute; writes nothing
 *     npm run bench -- far updates             some scenarios; writes nothing
 *     npm run bench -- --minute steady         a minute instead of five seconds
 *     npm run bench -- --against DIST          compares with another build of the package
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mainTable } from './main-table.ts';
import { reading } from './reading.ts';
import { Arena } from './rounds.ts';
import { type Effort, failing, far, gzip, openTraces, type Scenario, steady, updates } from './scenarios.ts';
import { toMarkdown } from './tables.ts';
import { worker } from './worker.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  main: mainTable,
  far,
  failing,
  steady,
  updates,
  gzip,
  'open-traces': openTraces,
  reading,
  worker,
};
const RESULTS = new URL('../RESULTS.md', import.meta.url);
const ROUNDS = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    minute: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    against: { type: 'string', multiple: true, default: [] },
  },
});
process.exitCode = await run(positionals.length > 0 ? positionals : values.quick ? ['main'] : Object.keys(SCENARIOS));

async function run(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !SCENARIOS[name]);
  if (unknown !== undefined) {
    console.error(`unknown scenario ${unknown}: expected some of ${Object.keys(SCENARIOS).join(', ')}`);
    return 1;
  }
  const effort: Effort = {
    rounds: Number(values.rounds ?? (values.quick ? 1 : ROUNDS)),
    steadySeconds: values.minute ? 60 : 5,
    builds: values.against.map((folder) => `ours: ${resolve(folder)}`),
  };
  const arena = await Arena.open();
  const sections: string[] = [];
  try {
    for (const name of names) {
      process.stderr.write(`${name} `);
      const section = toMarkdown(await (SCENARIOS[name] as Scenario)(arena, effort));
      process.stderr.write('\n');
      console.log(section);
      sections.push(section);
    }
  } finally {
    arena.close();
  }
  const isWhole = names.length === Object.keys(SCENARIOS).length && !values.quick && effort.builds.length === 0;
  if (isWhole) writeFileSync(RESULTS, [heading(effort), ...sections].join('\n'));
  return 0;
}

function heading({ rounds }: Effort): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const packages = [
    '@opentelemetry/exporter-trace-otlp-http',
    '@langfuse/otel',
    '@opentelemetry/sdk-trace-base',
    'undici',
  ];
  const versions = packages.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return `# Benchmark

Written by \`npm run bench\`. The figures are medians of ${rounds} rounds (fewer if a scenario is long). All contenders take turns in one run, each
round in a process of its own, the server in another one. Compare the ratios: the absolute figures change with the machine and its load.

Node ${process.version} on ${cpus().length} × ${cpu?.model.trim() || 'unknown processor'}, ${memory} GB, ${process.platform} ${process.arch}; ${versions}.
`;
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
