/** Writes 100 logs a time to the server at `argv[2]`, from request `argv[3]` on, and tells how long each took. */
import { syntheticRequest } from './viewer-data.ts';

const WRITES_PER_SECOND = 5;

const url = process.argv[2]!;
let index = Number(process.argv[3]);
setInterval(async () => {
  const body = JSON.stringify(syntheticRequest(index++));
  const start = performance.now();
  const answer = await fetch(`${url}/v4/logs`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  await answer.arrayBuffer();
  if (answer.ok) process.send!(performance.now() - start);
}, 1000 / WRITES_PER_SECOND);
// Ends with the benchmark, however that ends.
process.on('disconnect', () => process.exit());
