/** What a set-up is that `npm run setups` tries: one folder with what a user would install and set. */

export interface Setup {
  /** Names the row and its folder. */
  readonly name: string;
  /** The line of the README's table to which this row belongs. Rows without one are only tried. */
  readonly line?: Line;
  /** The app's own packages. */
  readonly uses: readonly string[];
  /** What the user adds for tracing. `humanloop-otel` goes without saying. */
  readonly install: readonly string[];
  /** Environment that the user sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program in `apps/`. It is run on each Node version and in each module format. */
  readonly app: string;
  /** A program in `apps/tracing/` that is loaded before the app, instead of `humanloop-otel/register`. */
  readonly tracing?: string;
  /** Default: `FORMATS`. */
  readonly formats?: readonly Format[];
  /** Major versions of Node. Default: all of `NODES`. */
  readonly nodes?: readonly number[];
  /** Arguments of Node before the program. Default: those that load `tracing` or `humanloop-otel/register`. */
  readonly nodeArgs?: readonly string[];
  /**
   * The sessions that must arrive, in any order. `agent!(model! tool! model!)` are logs in their parent; `!` marks those
   * with content: a model's messages and answer, or a tool's input and output. Logs of type `generic`, such as chains, are
   * left out.
   */
  readonly expects: readonly string[];
  /** What the last line on stderr must contain. Default: only the line at the start of `register` is printed. */
  readonly says?: string;
}

export interface Line {
  /** The first cell, in Markdown. It is the same for all rows of the line. */
  readonly have: string;
  /** The second cell, in Markdown, with links into `DOCS/`. Default: the packages. */
  readonly todo?: string;
}

export type Format = 'esm' | 'cjs';

export const FORMATS: readonly Format[] = ['esm', 'cjs'];
export const NODES = [20, 22, 24, 26];
/** The lines of Node on which OpenTelemetry's SDK 3, and packages that need it, run. */
export const NODES_OF_SDK_3 = [22, 24, 26];
