/**
 * Counts and measures, written in the text format of Prometheus (version 0.0.4). Series are bounded by the code: labels
 * have values that it chooses, never those of a request. Pure.
 */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels | undefined;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: () => string[];
}

export interface Counter {
  add(labels?: Labels, by?: number): void;
}

export interface Histogram {
  /** Returns what takes the values of one series. */
  series(labels: Labels): (value: number) => void;
}

export class Registry {
  readonly #families: Family[] = [];

  /** `initial` are the labels of series that are there from the start, so that a rate sees their first count. */
  counter(name: string, help: string, initial: readonly Labels[] = []): Counter {
    const series = new Map<string, number>(initial.map((labels) => [toText(labels), 0]));
    const lines = () => [...series].map(([labels, value]) => `${name}${labels} ${toNumber(value)}`);
    this.#families.push({ name, help, type: 'counter', lines });
    return {
      add: (labels = {}, by = 1) => {
        const text = toText(labels);
        series.set(text, (series.get(text) ?? 0) + by);
      },
    };
  }

  /** `bounds` are the upper ends of the buckets, smallest first. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const series = new Map<string, { labels: Labels; counts: number[]; sum: number }>();
    const lines = () =>
      [...series.values()].flatMap(({ labels, counts, sum }) => {
        let total = 0;
        const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
          total += counts[index]!;
          return `${name}_bucket${toText({ ...labels, le: toNumber(bound) })} ${total}`;
        });
        return [...buckets, `${name}_sum${toText(labels)} ${toNumber(sum)}`, `${name}_count${toText(labels)} ${total}`];
      });
    this.#families.push({ name, help, type: 'histogram', lines });
    return {
      series: (labels) => {
        const text = toText(labels);
        const known = series.get(text) ?? { labels, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
        series.set(text, known);
        return (value) => {
          const index = bounds.findIndex((bound) => value <= bound);
          known.counts[index < 0 ? bounds.length : index]! += 1;
          known.sum += value;
        };
      },
    };
  }

  /** `read` is called for each text. */
  measured(type: 'counter' | 'gauge', name: string, help: string, read: () => readonly Sample[] | number): void {
    const lines = () => {
      const found = read();
      return (typeof found === 'number' ? [{ value: found }] : found).map((sample) => toLine(name, sample));
    };
    this.#families.push({ name, help, type, lines });
  }

  /** Families without a series are left out. */
  write(): string {
    return this.#families
      .map(({ name, help, type, lines }) => {
        const found = lines();
        return found.length === 0 ? '' : `${header(name, help, type)}${found.join('\n')}\n`;
      })
      .join('');
  }
}

/** Of one family that is known only now. */
export function writeFamily(
  { name, help, type }: { readonly name: string; readonly help: string; readonly type: 'counter' | 'gauge' },
  samples: readonly Sample[],
): string {
  return `${header(name, help, type)}${samples.map((sample) => toLine(name, sample)).join('\n')}\n`;
}

function header(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

function toLine(name: string, { labels = {}, value }: Sample): string {
  return `${name}${toText(labels)} ${toNumber(value)}`;
}

function toText(labels: Labels): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return '';
  return `{${entries.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function toNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
