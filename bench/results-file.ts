/** `bench/RESULTS.md`: a heading and one part for each scenario and version of Node, which can be written one by one. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describeMachine } from './machine.ts';

const FILE = new URL('../RESULTS.md', import.meta.url);
const [NODE_MAJOR = ''] = process.versions.node.split('.');
/** Not shown where Markdown is rendered. */
const MARKER = /^<!-- (\S+), Node (\d+) -->\n/gm;

/**
 * Writes one part and keeps the other ones.
 *
 * @param order the names of all scenarios; parts of others are removed.
 */
export function writePart(scenario: string, markdown: string, order: readonly string[]): void {
  const parts = existsSync(FILE) ? partsOf(readFileSync(FILE, 'utf8')) : new Map<string, string>();
  parts.set(`${scenario}, Node ${NODE_MAJOR}`, markdown.trim());
  const nodes = [...new Set([...parts.keys()].map(nodeOf))].sort((a, b) => a - b);
  const sections = nodes.map((node) => {
    const names = order.map((name) => `${name}, Node ${node}`).filter((name) => parts.has(name));
    return [`## Node ${node}`, ...names.map((name) => `<!-- ${name} -->\n\n${parts.get(name)}`)].join('\n\n');
  });
  writeFileSync(FILE, `${[heading(), ...sections].join('\n\n')}\n`);
}

function partsOf(text: string): Map<string, string> {
  const markers = [...text.matchAll(MARKER)];
  return new Map(
    markers.map(({ index, 0: marker, 1: scenario, 2: node }, at) => {
      const part = text.slice(index + marker.length, markers[at + 1]?.index);
      // The title of the next version's parts stands between two of them.
      return [`${scenario}, Node ${node}`, part.replace(/\n## Node \d+\s*$/, '').trim()];
    }),
  );
}

function nodeOf(name: string): number {
  return Number(name.split(' ').at(-1));
}

function heading(): string {
  return `# Benchmark

Written by \`npm run bench -- --write\`, one part for each scenario and version of Node. Under each title: the exact
version, the number of rounds, how long they took, and how busy other programs kept the machine when they began. Where
that is more than a few percent, trust only the ratios.

**How it is run.** A figure belongs to a whole process: the exporter, the SDK and the app's own work, over real HTTP to a
server in another process, which answers at once. All contenders take turns, each time in a new process, and each round
begins with another one, so that none has the best place in the order. The figures are medians over the rounds (at most 3
in scenarios with long rounds: the burst, steady, updates, open traces). A ratio (*× bound*) or a difference (*above no
exporter*) is taken within each round, between processes that ran at nearly the same time, and then its median.

**What is measured.** A trace has 12 spans: an agent, 3 chat spans with 2 kB of prompt and 1 kB of answer as \`gen_ai.*\` JSON,
2 tools and 6 HTTP spans; 6 of the 12 are logs. OTLP/JSON sends all 12, the others the 6. *Export CPU* is user and system
time of the whole process, V8's compiler and collector threads included, above that of the same process without an
exporter; *on the app's thread* is what the app itself has to wait for. *Bound* is "hand-written, unordered": map,
stringify, post arrays of 100 over a pool of kept connections, without order, retries, or a bound on memory. *RSS* is the
peak of the process. *Fresh* is a process that has sent 2,400 spans before the measurement: V8 still compiles the code
while it is measured. *Warm* is one that has sent 60,000, like an app that has run for a day. *Loaded* means that a
neighbour keeps one of the cores and its cache busy.

**What the rest is, fresh.** On the app's thread of a quiet machine, ours costs about as much as the bound. What is above
it in all threads is V8's: its own threads optimize about 160 functions while the 24,000 spans are made, beside the
hand-written loop 55 (the SDK's are among both), and take six times as long for them. That is once in a process, some
0.1 to 0.2 s of CPU. Of the time to import, about two fifths are V8's, which reads the 300 kB of the package that are
loaded at once; the readers of spans come at the first one.

${describeMachine()}`;
}
