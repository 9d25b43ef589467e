/**
 * Reads the text format of Prometheus, and throws at whatever a strict reader refuses: a series without a type or help, a
 * family in two places, a series twice, a name or a label that is none, a histogram that does not add up.
 */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** By name and labels as written. */
  readonly samples: Map<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

export function readPrometheusText(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  let current: { name: string; family: Family } | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (families.has(name) || !NAME.test(name)) throw new Error(`${name}: twice, or no name`);
      current = { name, family: { type: '', help: rest, samples: new Map() } };
      families.set(name, current.family);
    } else if (keyword === 'TYPE') {
      if (current?.name !== name || !/^(counter|gauge|histogram)$/.test(rest)) throw new Error(`wrong: ${line}`);
      current.family = { ...current.family, type: rest };
      families.set(name, current.family);
    } else if (current) readSample(line, current);
    else throw new Error(`a sample without its family: ${line}`);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function readSample(line: string, { name, family }: { name: string; family: Family }): void {
  const [, series = '', labels, value = ''] = SAMPLE.exec(line) ?? [];
  const suffix = series.slice(name.length);
  const isOwn = series.startsWith(name) && (suffix === '' || /^_(bucket|sum|count)$/.test(suffix));
  if (!isOwn || (suffix !== '') !== (family.type === 'histogram')) throw new Error(`not of ${name}: ${line}`);
  const seen = new Set<string>();
  LABEL.lastIndex = 0;
  for (let at = 0; labels !== undefined && at < labels.length; at = LABEL.lastIndex) {
    const [, label] = LABEL.exec(labels) ?? [];
    if (label === undefined || seen.has(label) || label.startsWith('__')) throw new Error(`labels: ${line}`);
    seen.add(label);
  }
  if (!/^([+-]?\d+(\.\d+)?(e[+-]?\d+)?|\+Inf|-Inf|NaN)$/i.test(value)) throw new Error(`no number: ${line}`);
  const key = line.slice(0, -value.length - 1);
  if (family.samples.has(key)) throw new Error(`twice: ${line}`);
  family.samples.set(key, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
}

function checkFamily(name: string, { type, help, samples }: Family): void {
  if (type === '' || help === '' || samples.size === 0) throw new Error(`${name} lacks type, help or samples`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: only counters end with _total`);
  if (/_(milliseconds|millis|ms|kb|mb|percent)(_|$)/.test(name)) throw new Error(`${name}: base units`);
  if (type === 'counter') for (const value of samples.values()) if (value < 0) throw new Error(`${name} is negative`);
  if (type !== 'histogram') return;
  const buckets = new Map<string, [bound: number, count: number][]>();
  for (const [key, value] of samples) {
    const [, labels = '', bound] = /_bucket\{(.*?),?le="([^"]+)"\}$/.exec(key) ?? [];
    if (bound === undefined) continue;
    const known = buckets.get(labels) ?? [];
    buckets.set(labels, [...known, [bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), value]]);
  }
  for (const [labels, series] of buckets) {
    for (const [index, [bound, count]] of series.entries()) {
      const before = series[index - 1];
      if (before && (bound <= before[0] || count < before[1])) throw new Error(`${name}{${labels}}: order`);
    }
    const [last, total] = series.at(-1)!;
    const withLabels = labels === '' ? '' : `{${labels}}`;
    if (last !== Number.POSITIVE_INFINITY || samples.get(`${name}_count${withLabels}`) !== total)
      throw new Error(`${name}{${labels}}: +Inf is not the count`);
    if (!samples.has(`${name}_sum${withLabels}`)) throw new Error(`${name}{${labels}}: no sum`);
  }
}
