/** `npm start`: the server, the example app logging to it, and what arrived, read back and shown as trees. */
import { parseArgs } from 'node:util';
import { type RunningServer, startServer } from 'humanloop-otel/server';
import { optionError } from '../src/errors.ts';
import { explainListenError } from '../src/server/http/port.ts';
import { openModel, printSessions, runExample } from './run-example.ts';

const USAGE = `Usage: npm start -- [--port NUMBER] [--db FILE] [--once]

  --port NUMBER  port of the server (default 4340)
  --db FILE      SQLite file, created if need be (default .humanloop/logs.db)
  --once         exit when the sessions are printed, instead of serving until Ctrl-C`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (!options) return 2;
  const server = await listen(options.port, options.file);
  if (!server) return 1;
  const interrupted = new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  const model = await openModel();
  try {
    console.log(`\n  Server  ${server.baseUrl}, logs in ${options.file}`);
    console.log(`  Model   ${model.description}\n`);
    console.log('A travel assistant answers five requests:\n');
    const since = new Date();
    const code = await Promise.race([runExample('app', server.baseUrl, model), interrupted.then(() => 130)]);
    if (code !== 0) {
      console.error(`The example app ended with exit code ${code}.`);
      return code;
    }
    console.log('\nWhat the server has of it:\n');
    await printSessions(server.baseUrl, since);
    if (options.once) return 0;
    console.log(`\nServing ${server.url} until Ctrl-C.`);
    await interrupted;
    console.log('');
    return 0;
  } finally {
    model.close();
    await server.close();
  }
}

function readOptions(): { port: number; file: string; once: boolean } | undefined {
  try {
    const { values } = parseArgs({
      options: { port: { type: 'string' }, db: { type: 'string' }, once: { type: 'boolean' } },
    });
    const { port = '4340', db: file = '.humanloop/logs.db', once = false } = values;
    if (!/^\d+$/.test(port) || Number(port) > 65_535)
      throw optionError('--port', 'a whole number from 0 to 65535', port);
    return { port: Number(port), file, once };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return undefined;
  }
}

async function listen(port: number, file: string): Promise<RunningServer | undefined> {
  try {
    return await startServer({ port, file });
  } catch (error) {
    const explained = explainListenError(error, '127.0.0.1', port, 'npm start -- --port NUMBER');
    console.error((explained as Error).message);
    return undefined;
  }
}
