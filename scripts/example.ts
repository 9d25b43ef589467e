/** `npm run example NAME`: runs an example and shows what it logged. Without a name it lists the examples. */
import { readdirSync, readFileSync } from 'node:fs';
import { startServer } from 'humanloop-otel/server';
import { startReplicas } from '../examples/replicas/main.ts';
import { openModel, printSessions, runExample } from './run-example.ts';

const EXAMPLES = new URL('../examples/', import.meta.url);
const FOLDERS = new Set(['app', 'languages', 'replicas']);
const LOCAL_SERVER = 'http://127.0.0.1:4340';

process.exitCode = await main(process.argv[2]);

async function main(name: string | undefined): Promise<number> {
  const examples = listExamples();
  if (!name || !examples.has(name)) {
    const list = [...examples].map(([known, what]) => `  ${known.padEnd(18)}${what}`).join('\n');
    console.error(`${name ? `There is no example ${name}. ` : ''}npm run example NAME, with one of\n\n${list}\n`);
    return name ? 1 : 0;
  }
  const opened = await (name === 'replicas' ? openReplicas() : openServer());
  if (!opened) return 1;
  const { baseUrl, description, close, report } = opened;
  const model = await openModel();
  try {
    console.log(`\n  Server  ${baseUrl}${description}`);
    console.log(`  Model   ${model.description}\n`);
    const since = new Date();
    const code = await runExample(name === 'replicas' ? 'app' : name, baseUrl, model);
    console.log('');
    await printSessions(baseUrl, since);
    await report?.();
    return code;
  } finally {
    model.close();
    await close();
  }
}

interface Opened {
  readonly baseUrl: string;
  readonly description: string;
  close(): Promise<void>;
  /** Says what the example shows besides its logs. */
  report?(): Promise<void>;
}

/** Resolves to `undefined` where they cannot run, and says why. */
async function openReplicas(): Promise<Opened | undefined> {
  try {
    const { baseUrl, urls, requests, close } = await startReplicas();
    return {
      ...{ baseUrl, close },
      description: `, a load balancer before three servers (${urls.join(', ')}) on one PostgreSQL database`,
      report: async () => {
        console.log('\n  Server                  Requests   Sessions in its list');
        for (const [index, url] of urls.entries()) {
          const response = await fetch(`${url}/viewer/api/sessions?size=200`);
          const { sessions } = (await response.json()) as { sessions: unknown[] };
          console.log(`  ${url.padEnd(22)}  ${String(requests()[index]).padStart(8)}   ${sessions.length}`);
        }
      },
    };
  } catch (error) {
    console.error((error as Error).message);
    return undefined;
  }
}

/** Returns the first line of each example's leading comment, by name. */
function listExamples(): Map<string, string> {
  const files = readdirSync(EXAMPLES, { withFileTypes: true });
  const entries = files.flatMap((file): [string, string][] => {
    if (file.name.endsWith('.ts')) return [[file.name.slice(0, -3), file.name]];
    return FOLDERS.has(file.name) ? [[file.name, `${file.name}/main.ts`]] : [];
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
async function openServer(): Promise<Opened> {
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
