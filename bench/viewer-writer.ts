/** Writes 100 logs at a time to the server at `argv[2]`, from request `argv[3]` on, and reports how long each took. */
import { writeRequest } from './viewer-data.ts';

const WRITES_PER_SECOND = 5;

const url = process.argv[2]!;
let index = Number(process.argv[3]);
setInterval(async () => {
  const start = performance.now();
  await writeRequest(url, index++);
  process.send!(performance.now() - start);
}, 1000 / WRITES_PER_SECOND);
// Ends with the benchmark, however that ends.
process.on('disconnect', () => process.exit());
