/**
 * Whether an answer should be sent gzipped, by RFC 9110 (12.5.3): `q=0` forbids a coding, `*` stands for those that are
 * not named, and letters match in either case. gzip wins if the client likes `identity` as much, or does not name it.
 */
export function acceptsGzip(header = ''): boolean {
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(',')) {
    const [coding = '', weight = 'q=1'] = item.split(';').map((part) => part.trim());
    weights.set(coding, Number(/^q=([\d.]+)$/.exec(weight)?.[1] ?? 0));
  }
  const others = weights.get('*') ?? 0;
  const gzip = weights.get('gzip') ?? weights.get('x-gzip') ?? others;
  return gzip > 0 && gzip >= (weights.get('identity') ?? others);
}
