/** A server in its own process, on the database that its environment names. */
import { startServer } from '../../src/server/index.ts';

try {
  const server = await startServer({ port: 0, database: process.env['DATABASE'] as string });
  process.stdout.write(`listens on ${server.port}\n`);
} catch (error) {
  // The database is away: whoever started this starts it again.
  console.error(`did not start: ${(error as Error).message}`);
  process.exit(1);
}
