/** Says where OTLP is served, to senders that look for it elsewhere. */

const SIGNALS = new Set(['traces', 'logs', 'metrics']);
const GRPC = /^opentelemetry\.proto\.collector\./;

/** Returns the detail of the 404; undefined if the path has nothing to do with OTLP. */
export function explainOtlpPath(method: string, segments: readonly string[]): string | undefined {
  if (GRPC.test(segments[0] ?? '')) return 'gRPC is not served: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf';
  const [version, signal] = method === 'POST' && segments.length === 0 ? ['v1', 'traces'] : segments.slice(-2);
  const isServed = segments.length === 2;
  if (isServed || version !== 'v1' || !SIGNALS.has(signal ?? '')) return undefined;
  return `OTLP is served at /v1/${signal}: OTEL_EXPORTER_OTLP_ENDPOINT takes the address of the server, without a path`;
}
