/**
 * What runs in Node: CommonJS files that require the readers of spans at their first use, and the ES modules that
 * `import` takes, which only pass on what the CommonJS files have. So there is one instance for `import` and `require`.
 */
import { transform } from 'esbuild';
import { CONVENTIONS } from '../src/conventions/table.ts';

export const TARGET = 'node20';

interface CommonJs {
  readonly code: string;
  /** Without the sources' texts, and true to the line. */
  readonly map: string;
}

interface Chunks {
  /** Whether the file is one of them. */
  readonly isChunk: boolean;
  /** Name of the chunk that is required when it is first used. */
  readonly late: string | undefined;
}

/**
 * File by file, since esbuild does not split CommonJS: entries would not share their chunks, and so not their state.
 * `map` is the source map of the text.
 */
export async function toCommonJs(text: string, map: string, { isChunk, late }: Chunks): Promise<CommonJs> {
  const inline = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}\n`;
  const {
    code,
    map: ownMap,
    warnings,
  } = await transform(text.replace(MAP_COMMENT, inline), {
    format: 'cjs',
    platform: 'node',
    target: TARGET,
    sourcemap: 'external',
    sourcesContent: false,
    // jest cannot run `import()`; what is loaded late here can be required.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.filename': '__filename' },
    // As modules are.
    banner: '"use strict";',
  });
  const [warning] = warnings;
  if (warning) throw new Error(`no CommonJS: ${warning.text} (${warning.location?.lineText})`);
  const whole = code.replaceAll(/\brequire\("(\.\.?\/[^"]+)\.js"\)/g, 'require("$1.cjs")').replace(MAP_COMMENT, '');
  const named = isChunk ? withPlainExports(whole) : whole;
  return { code: late ? requireLate(named.replace(NAMES_FOR_NODE, ''), late) : named, map: ownMap };
}

const MAP_COMMENT = /\/\/# sourceMappingURL=.*\n?$/;

/** What esbuild writes for Node's search for names. */
const NAMES_FOR_NODE =
  /^\/\/ Annotate the CommonJS export names for ESM import in node:\n0 && \(module\.exports = \{[^}]*\}\);\n/m;

/** What esbuild writes at the top: an accessor for each name, and with `module.exports` one more. */
const ACCESSORS = /^__export\(stdin_exports, \{\n((?: {2}\w+: \(\) => \w+,?\n)+)\}\);\nmodule\.exports = .*;$/m;

/** What follows a name that is given another value. */
const CHANGES = String.raw`(?: (?:\*\*|<<|>>>?|&&|\|\||\?\?|[-+*/%&|^])?=(?![=>])|\+\+|--)`;

/**
 * Makes plain properties of what a chunk exports. An object with a hundred accessors is a table for V8, which then
 * inlines no function of another chunk and looks twice for each. Properties are enough where no exported name gets another
 * value later, which is checked here, and where chunks do not require each other in a circle (`refuseCircles`).
 */
function withPlainExports(code: string): string {
  const [accessors, list = ''] = ACCESSORS.exec(code) ?? [];
  if (!accessors) throw new Error('no plain exports: esbuild writes them in another way');
  const names = [...list.matchAll(/\w+(?=,?\n)/g)].join('|');
  const [change] =
    new RegExp(`^.*(?<!\\b(?:var|let|const) )(?<![\\w$.])(?:${names})${CHANGES}.*$`, 'm').exec(code) ?? [];
  if (change) throw new Error(`no plain exports: a name that is exported gets another value: ${change.trim()}`);
  // The lines stay, so that the source map does, too.
  const rest = code.replace(accessors, accessors.replaceAll(/[^\n]/g, ''));
  return `${rest}module.exports = {\n${list.replaceAll('() => ', '')}};\n`;
}

/** Lets each use of the chunk's names go through a function that requires it. The path stays a literal for bundlers. */
function requireLate(code: string, late: string): string {
  const [line, name, path] = new RegExp(`^var (\\w+) = require\\(("[^"]*/${late}\\.cjs")\\);$`, 'm').exec(code) ?? [];
  if (!line) {
    if (code.includes(`/${late}.cjs"`)) throw new Error(`not late: ${late} is required otherwise`);
    return code;
  }
  const used = new RegExp(`\\b${name}\\b(\\.)?`, 'g');
  const [before, after] = code.split(line).map((part) =>
    part.replaceAll(used, (use, dot) => {
      if (!dot) throw new Error(`not late: ${use} is used as a whole`);
      return `(${name}()).`;
    }),
  ) as [string, string];
  const load = `var ${name}_loaded; function ${name}() { return ${name}_loaded ??= require(${path}); }`;
  return before + load + after;
}

/**
 * Returns the ES module that passes on `names` of the CommonJS file. Node does not look for names by itself: it would
 * read them all, also those of readers.
 */
export function nodeModuleOf(file: string, names: readonly string[]): string {
  if (names.length === 0) return `import "${file}";\n`;
  const [late, others] = [names.filter((name) => name in LATE_LISTS), names.filter((name) => !(name in LATE_LISTS))];
  return [
    `import app from "${file}";`,
    `const { ${others.join(', ')} } = app;`,
    ...late.flatMap((name) => [
      `const ${name} = new Array(${LATE_LISTS[name]}).fill();`,
      `lend(${name}, () => app.${name});`,
    ]),
    ...(late.length > 0 ? [LEND] : []),
    `export { ${names.join(', ')} };`,
    '',
  ].join('\n');
}

/** Number of elements of the lists that are made by readers. */
const LATE_LISTS: Readonly<Record<string, number>> = { CONVENTIONS: CONVENTIONS.length };

/** Each element of such a list is loaded when it is looked at, and is then as in any other array, unless that is frozen. */
const LEND = `function lend(list, load) {
  for (const at of list.keys()) {
    const plain = (value) => ({ value, writable: true, enumerable: true, configurable: true });
    Object.defineProperty(list, at, {
      get: () => {
        const value = load()[at];
        Reflect.defineProperty(list, at, plain(value));
        return value;
      },
      set: (value) => Object.defineProperty(list, at, plain(value)),
      enumerable: true,
      configurable: true,
    });
  }
}`;
