/** Maps spans to the bytes of their datapoints: the work that a worker thread could do. */
export type Wire = Record<string, unknown>;

interface Parts {
  readonly readSpan: (span: unknown) => unknown;
  readonly toDatapoint: (...args: unknown[]) => object;
}

const IDENTITY = { referenceId: 'trace-span', sessionReferenceId: 'session' };
const SETTINGS = { project: 'bench', source: 'opentelemetry', captureContent: true };

/** Imports the files of a second build, since the package does not export these functions. */
export async function createMapping(): Promise<(wires: readonly Wire[]) => Buffer> {
  const conventions = './package/conventions/index.js';
  const datapoint = './package/datapoint/to-datapoint.js';
  const { readSpan }: Pick<Parts, 'readSpan'> = await import(conventions);
  const { toDatapoint }: Pick<Parts, 'toDatapoint'> = await import(datapoint);
  return (wires) =>
    Buffer.from(
      JSON.stringify(
        wires.map((wire) => {
          const span = { ...wire, spanContext: () => wire };
          return toDatapoint(span, 'model', readSpan(span), IDENTITY, SETTINGS);
        }),
      ),
    );
}
