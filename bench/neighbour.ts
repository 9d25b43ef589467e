/** A process that keeps one core and its caches busy, as another service on the machine does. It ends with its parent. */
const BYTES = 16 * 2 ** 20;
const from = Buffer.alloc(BYTES, 1);
const to = Buffer.alloc(BYTES);

process.on('disconnect', () => process.exit());
work();
process.send?.('busy');

/** Takes a few milliseconds, so that the end of the parent is seen soon. */
function work(): void {
  from.copy(to);
  setImmediate(work);
}
