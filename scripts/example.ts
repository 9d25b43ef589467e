/** `npm run example NAME`: runs an example and shows what it logged. Without a name it lists the examples. */
import { readdirSync, readFileSync } from 'node:fs';
import { startServer } from 'humanloop-otel/server';
import { openModel, printSessions, runExample } from './run-example.ts';

const EXAMPLES = new URL('../examples/', import.meta.url);
const LOCAL_SERVER = 'http://127.0.0.1:4340';

process.exitCode = await main(process.argv[2]);

async function main(name: string | undefined): Promise<number> {
  const examples = listExamples();
  if (!name || !examples.has(name)) {
    const list = [...examples].map(([known, what]) => `  ${known.padEnd(18)}${what}`).join('\n');
    console.error(`${name ? `There is no example ${name}. ` : ''}npm run example NAME, with one of\n\n${list}\n`);
    return name ? 1 : 0;
  }
  const { baseUrl, description, close } = await openServer();
  const model = await openModel();
  try {
    console.log(`\n  Server  ${baseUrl}${description}`);
    console.log(`  Model   ${model.description}\n`);
    const since = new Date();
    const code = await runExample(name, baseUrl, model);
    console.log('');
    await printSessions(baseUrl, since);
    return code;
  } finally {
    model.close();
    await close();
  }
}

/** Returns the first line of each example's leading comment, by name. */
function listExamples(): Map<string, string> {
  const files = readdirSync(EXAMPLES, { withFileTypes: true });
  const entries = files.flatMap((file): [string, string][] => {
    if (file.name.endsWith('.ts')) return [[file.name.slice(0, -3), file.name]];
    return file.name === 'app' ? [['app', 'app/main.ts']] : [];
  });
  return new Map(
    entries.map(([name, path]) => {
      const [, what = ''] =
        /^\/\*\*\s*(?:\* )?(.+?)(?:\s*\*\/)?$/m.exec(readFileSync(new URL(path, EXAMPLES), 'utf8')) ?? [];
      return [name, what];
    }),
  );
}

/** Uses the server of `HUMANLOOP_BASE_URL`, else the one that `npm start` runs, else starts one for this run. */
async function openServer() {
  const stay = async () => {};
  const given = process.env['HUMANLOOP_BASE_URL'];
  if (given) return { baseUrl: given, description: '', close: stay };
  const isRunning = await fetch(`${LOCAL_SERVER}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
  if (isRunning) return { baseUrl: `${LOCAL_SERVER}/v4`, description: '', close: stay };
  const server = await startServer({ port: 0, file: ':memory:' });
  return { baseUrl: server.baseUrl, description: ', in memory for this run', close: () => server.close() };
}
