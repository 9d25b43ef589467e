/**
 * What the index's thread runs: `index-thread.ts` with all that it imports, as one text, which works wherever the
 * package is bundled. The text is made when the package is built, and for tests (scripts/index-program.ts). Without
 * that, there is none, and the index works on the main thread.
 */
export const INDEX_PROGRAM: string | undefined = undefined;
