/** A server in a process of its own, which tells how much CPU it has used: started by `otlp.ts`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from 'humanloop-otel/server';

const directory = mkdtempSync(join(tmpdir(), 'otlp-bench-'));
const server = await startServer({ port: 0, file: join(directory, 'logs.db') });
process.on('message', async (message) => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
    return;
  }
  await server.close();
  rmSync(directory, { recursive: true });
  process.disconnect();
});
process.send?.(server.url);
