/**
 * `npm run bundles [WORD ...]`: tries the packed package with bundlers, runtimes and frameworks, and prints a table. With
 * words it runs only the trials that have one of them in their name. It installs from the registry, in temporary folders.
 */
import { BUNDLER_TRIALS } from './bundlers.ts';
import { EDGE_TRIALS } from './edge.ts';
import { NEXT_TRIALS } from './next.ts';
import { packPackage } from './pack.ts';
import { RUNTIME_TRIALS } from './runtimes.ts';
import { runTrial } from './trial.ts';

const words = process.argv.slice(2).map((word) => word.toLowerCase());
const trials = [...BUNDLER_TRIALS, ...RUNTIME_TRIALS, ...EDGE_TRIALS, ...NEXT_TRIALS].filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)),
);

const { tarball, remove } = await packPackage(process.cwd());
try {
  console.log('| Environment | Versions | Result | Seconds |\n| --- | --- | --- | ---: |');
  for (const trial of trials) {
    const versions = Object.entries(trial.packages).filter(([name]) => !name.startsWith('@opentelemetry/'));
    const named = versions.map(([name, version]) => `${name} ${version}`).join(', ');
    const { passed, text, seconds } = await runTrial(trial, tarball);
    console.log(`| ${trial.name} | ${named} | ${passed ? text : 'FAILED'} | ${seconds} |`);
    if (!passed) {
      process.exitCode = 1;
      console.error(`\n${trial.name}: ${text}\n`);
    }
  }
} finally {
  await remove();
}
