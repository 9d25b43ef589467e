/** Creates `docs/vocabularies.md`: the vocabularies of the table, and the packages whose recorded spans the tests map. */
import { CONVENTIONS } from '../src/conventions/table.ts';
import { table } from './markdown-table.ts';
import { recordedVersions } from './recorded-versions.ts';

const INTRODUCTION = `# Vocabularies

A vocabulary is the set of attribute names that an instrumentation writes. Every span that uses one of these becomes a log.
The versions are those whose recorded spans the tests map; [conventions](conventions.md) lists all recordings, and the
fields of a log that each vocabulary fills in. Without a version, the spans are written by hand, from documentation and
sources. The option \`conventions\` accepts [vocabularies of your own](../examples/custom-convention.ts).

The first that recognises a span decides what kind of log it is; \`npm run coverage-matrix\` writes this table.`;

const REFERENCES = `Content that an instrumentation stores elsewhere (\`gen_ai.input.messages_ref\` and similar) is named in
\`metadata.content_refs\`, without user and query of its address, and never fetched.`;

export function vocabulariesDocument(): string {
  const rows = CONVENTIONS.filter(({ isAddition }) => !isAddition).map(({ name, title = name, packages = [] }) => [
    title,
    `\`${name}\``,
    packages.map((one) => `\`${one}\` ${shortened(recordedVersions(name, one))}`).join(', '),
  ]);
  return `${[INTRODUCTION, table(['Vocabulary', 'Name', 'Tested with'], rows), REFERENCES].join('\n\n')}\n`;
}

/** Returns `0.22 and 0.27`. */
function shortened(versions: readonly string[]): string {
  const short = [...new Set(versions.map((version) => version.split('.', 2).join('.')))];
  return short.length > 1 ? `${short.slice(0, -1).join(', ')} and ${short.at(-1)}` : short.join('');
}
