/**
 * `npm run bench`: runs all scenarios and prints their tables.
 *
 *     npm run bench -- --quick                 one round of the main tables
 *     npm run bench -- warm updates            some scenarios; `main` stands for fresh, fresh-loaded, warm, warm-loaded, once
 *     npm run bench -- --rounds 15             instead of 7; the scenarios with long rounds have at most 3
 *     npm run bench -- --minutes 1 steady      instead of five seconds; also how long the server gets half of its peak rate
 *     npm run bench -- --logs 1000000 postgres so many logs are in the store before it is read
 *     npm run bench -- --against DIST          compares with another build of the package
 *     npm run bench -- --nodes 20,22,PATH      in several versions of Node, one after another
 *     npm run bench -- main --write            also replaces these scenarios' parts in bench/RESULTS.md
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { busyShare } from './machine.ts';
import { MAIN_SCENARIOS } from './main-table.ts';
import { runInNodes } from './nodes.ts';
import { otlp } from './otlp.ts';
import { postgres } from './postgres.ts';
import { reading } from './reading.ts';
import { writePart } from './results-file.ts';
import { Arena } from './rounds.ts';
import { type Effort, failing, far, gzip, openTraces, type Scenario, steady, updates } from './scenarios.ts';
import { server } from './server.ts';
import { number, toMarkdown } from './tables.ts';
import { worker } from './worker.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...MAIN_SCENARIOS,
  far,
  failing,
  steady,
  updates,
  gzip,
  'open-traces': openTraces,
  reading,
  otlp,
  worker,
  server,
  postgres,
};
const ROUNDS = 7;
const STEADY_SECONDS = 5;
/** Of the scenario that fills a store. */
const LOGS = 40_000;

const { values, positionals, tokens } = parseArgs({
  allowPositionals: true,
  tokens: true,
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    logs: { type: 'string' },
    against: { type: 'string', multiple: true, default: [] },
    nodes: { type: 'string' },
  },
});

process.exitCode = await run();

async function run(): Promise<number> {
  const asked = positionals.length > 0 ? positionals : values.quick ? ['main'] : Object.keys(SCENARIOS);
  const names = asked.flatMap((name) => (name === 'main' ? Object.keys(MAIN_SCENARIOS) : name));
  const unknown = names.find((name) => !SCENARIOS[name]);
  if (unknown !== undefined) {
    return fail(`unknown scenario ${unknown}: expected main or some of ${Object.keys(SCENARIOS).join(', ')}`);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1) return fail(`--rounds ${values.rounds}: expected a whole number`);
  const logs = Number(values.logs ?? LOGS);
  if (!Number.isInteger(logs) || logs < 1) return fail(`--logs ${values.logs}: expected a whole number`);
  const steadySeconds = values.minutes === undefined ? STEADY_SECONDS : 60 * Number(values.minutes);
  if (!(steadySeconds > 0)) return fail(`--minutes ${values.minutes}: expected a number above 0`);
  const builds = values.against.map((folder) => `ours: ${resolve(folder)}`);
  if (values.write && builds.length > 0) return fail('--write and --against exclude each other');
  if (values.nodes !== undefined) {
    return runInNodes(values.nodes.split(','), fileURLToPath(import.meta.url), argumentsWithoutNodes());
  }
  await runScenarios(names, { rounds, steadySeconds, builds, logs });
  return 0;
}

async function runScenarios(names: readonly string[], effort: Effort): Promise<void> {
  const arena = await Arena.open();
  try {
    for (const name of names) {
      process.stderr.write(`${name} `);
      const busy = number(100 * (await busyShare()));
      const startedAtMillis = performance.now();
      const table = await (SCENARIOS[name] as Scenario)(arena, effort);
      const minutes = (performance.now() - startedAtMillis) / 60_000;
      process.stderr.write('\n');
      const conditions = `Node ${process.version}, rounds: ${effort.rounds}, in ${minutes.toFixed(1)} minutes; other programs took ${busy} % of the CPU.`;
      const markdown = toMarkdown({ ...table, conditions });
      console.log(markdown);
      if (values.write) writePart(name, markdown, Object.keys(SCENARIOS));
    }
  } finally {
    arena.close();
  }
}

function argumentsWithoutNodes(): string[] {
  return tokens.flatMap((token) => {
    if (token.kind === 'positional') return token.value;
    if (token.kind !== 'option' || token.name === 'nodes') return [];
    return token.value === undefined ? token.rawName : [token.rawName, token.value];
  });
}

function fail(message: string): number {
  console.error(message);
  return 1;
}
