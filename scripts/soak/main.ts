/** `npm run soak -- --minutes N`: runs the soak and prints its figures. Ends with 1 where something is wrong. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './report.ts';
import { runSoak } from './run-soak.ts';

const USAGE = 'Usage: npm run soak -- [--minutes NUMBER]   (default 60)';

const minutes = readMinutes();
if (minutes === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-otel-soak-'));
  console.log(`the files are in ${directory}, and stay there if there are faults`);
  const report = await runSoak({ directory, minutes, say: (line) => console.log(line) });
  const { text, faults, misses } = judge(report);
  console.log(`\n${text}`);
  process.exitCode = faults.length + misses.length > 0 ? 1 : 0;
  if (faults.length === 0) rmSync(directory, { recursive: true, force: true });
}

function readMinutes(): number | undefined {
  try {
    const { values } = parseArgs({ options: { minutes: { type: 'string' } } });
    const number = Number(values.minutes ?? '60');
    return number > 0 && Number.isFinite(number) ? number : undefined;
  } catch {
    return undefined;
  }
}
