/**
 * What the tests' JSON reports say, for `run` beside it.
 *
 * `failed-files REPORT` prints the files with a failure, a line each. `summary REPORT…` prints each failed test with its
 * first message, and the counts as the last line; a report whose name ends in `-again.json` is a second run of the files
 * that failed in the report before it, and replaces their results.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const MESSAGE_LINES = 12;

/** A file that cannot be loaded has no tests to count, so it counts as one that failed. */
const failuresOf = (file) =>
  file.assertionResults.some((test) => test.status === 'failed')
    ? file.assertionResults
        .filter((test) => test.status === 'failed')
        .map((test) => ({ title: test.fullName, message: test.failureMessages.join('\n') }))
    : file.status === 'failed'
      ? [{ title: 'the file itself', message: file.message ?? '' }]
      : [];

const read = (report) =>
  JSON.parse(readFileSync(report, 'utf8')).testResults.map((file) => ({
    name: relative(process.cwd(), file.name),
    passed: file.assertionResults.filter((test) => test.status === 'passed').length,
    failures: failuresOf(file),
  }));

const print = (file, note) => {
  for (const { title, message } of file.failures) {
    console.log(`\n${note}: ${file.name}: ${title}`);
    for (const line of message.split('\n').slice(0, MESSAGE_LINES)) console.log(`    ${line}`);
  }
};

const [command, ...reports] = process.argv.slice(2);
if (command === 'failed-files') {
  for (const file of read(reports[0])) if (file.failures.length > 0) console.log(file.name);
} else {
  let passed = 0;
  let failed = 0;
  for (const report of reports) {
    const again = report.replace(/\.json$/, '-again.json');
    if (!existsSync(report)) {
      console.log(`\nno report of ${report}: the run did not come to its end`);
      failed++;
      continue;
    }
    const second = new Map((existsSync(again) ? read(again) : []).map((file) => [file.name, file]));
    for (const first of read(report)) {
      const last = second.get(first.name) ?? first;
      if (last !== first) print(first, last.failures.length > 0 ? 'failed at first' : 'passed only when run again');
      print(last, 'failed');
      passed += last.passed;
      failed += last.failures.length;
    }
  }
  console.log(`\n${passed} passed, ${failed} failed`);
}
