/** Imports run one way, downwards. The rooms and their order are those of the list below; nothing else is allowed. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createApp, runApp } from './support/installed-app.ts';
import { startTestServer } from './support/start-test-server.ts';

/**
 * From the top. A file imports files of its own room and of rooms below it, types included. A room may have rooms in it:
 * the longest name that fits a file is its own.
 */
const APP_ROOMS = [
  ['index.ts', 'register.ts', 'edge/'],
  ['register/'],
  ['processors/'],
  ['pipeline/'],
  ['pipeline/doctor/'],
  ['trace/same-call/'],
  ['trace/'],
  ['delivery/delivery.ts'],
  ['delivery/spool/'],
  ['delivery/'],
  ['delivery/ledger/'],
  ['delivery/drops.ts', 'delivery/metrics.ts'],
  ['telemetry/'],
  ['client/'],
  ['delivery/advice.ts'],
  ['transport/'],
  ['sqlite/'],
  ['datapoint/'],
  ['options.ts'],
  ['environment.ts'],
  ['conventions/index.ts'],
  ['conventions/context.ts', 'conventions/census.ts'],
  ['conventions/table.ts', 'conventions/taken-content.ts'],
  // Vocabularies that build on another one stand above it.
  ['conventions/vocabularies/', 'conventions/vocabularies/langfuse/'],
  ['conventions/vocabularies/openinference/', 'conventions/vocabularies/openllmetry/'],
  ['conventions/vocabularies/vercel-ai/'],
  ['conventions/vocabularies/gen-ai/'],
  ['conventions/content/'],
  ['conventions/content/messages/'],
  ['conventions/content/request-parameters.ts'],
  ['conventions/content/parts/', 'conventions/content/streams/'],
  ['conventions/'],
  ['conventions/values/'],
  ['conventions/values/printed/'],
  ['conventions/values/json/'],
  ['host/', 'scheduling/', 'otel/'],
  ['address.ts'],
  ['errors.ts', 'load-module.ts'],
  ['wire/'],
];
/** What both halves have: the wire schema, the opening of SQLite, and, for OTLP, the reading and comparing of spans. */
const SHARED_ROOMS = APP_ROOMS.slice(APP_ROOMS.findIndex(([room]) => room === 'trace/same-call/'));
/** The other half. Of its rooms, only those of OTLP know anything of OpenTelemetry. */
const SERVER_ROOMS = [
  ['server/index.ts'],
  ['server/metrics/'],
  ['server/viewer/', 'server/v4/', 'server/otlp/'],
  ['server/otlp/decoding/'],
  ['server/http/'],
  ['server/http/bytes/'],
  ['server/otlp/linking/'],
  ['server/otlp/linking/deciding/'],
  ['server/otlp/linking/skeletons/'],
  ['server/store/moving/'],
  ['server/store/sqlite/', 'server/store/postgres/'],
  ['server/store/sqlite/erasure/', 'server/store/postgres/erasure/'],
  ['server/store/sqlite/ingest/', 'server/store/postgres/ingest/'],
  ['server/store/sqlite/index/', 'server/store/postgres/writing/'],
  ['server/store/sqlite/writing/', 'server/store/postgres/search/'],
  ['server/store/sqlite/file/', 'server/store/postgres/reading/'],
  ['server/store/sqlite/viewer/', 'server/store/postgres/tables/'],
  ['server/store/rows/'],
  ['server/store/'],
  ...SHARED_ROOMS,
];
const isShared = (rooms: readonly string[]) => SHARED_ROOMS.includes(rooms as string[]);
/** Rooms about spans. */
const OF_SPANS = /^(trace|datapoint|conventions|otel|host|scheduling)\/|^(options|environment)\.ts$/;
/** The command line has both halves. */
const COMMAND_ROOMS = [
  ['cli.ts'],
  ['cli/'],
  ['check/', 'import/'],
  ...SERVER_ROOMS.filter((rooms) => !isShared(rooms)),
  ...APP_ROOMS,
];
/** In the browser. Of the server it takes types only, and of these no more than the last three rooms have. */
const VIEWER_ROOMS = [
  ['viewer/main.tsx', 'viewer/app.tsx'],
  ['viewer/list/', 'viewer/session/', 'viewer/overview/'],
  ['viewer/compare/'],
  ['viewer/log/'],
  ['viewer/tree/'],
  ['viewer/parts/'],
  ['viewer/state/'],
  ['server/store/viewer-store.ts'],
  ['wire/v4.ts'],
  ['wire/json.ts'],
];
/** Loaded when they are first needed, since they cost more to load than the rest of the package together. */
const LAZY = /^(undici|zod|node:sqlite|@photostructure\/sqlite|pg)$/;
const LAZY_ALLOWED: Readonly<Record<string, RegExp>> = { zod: /^(wire\/v4\.ts|server\/)/ };

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
  readonly isDynamic: boolean;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
const imports = files.flatMap(readImports);
const inside = imports.filter(({ to }) => files.includes(to));

function readImports(file: string): Import[] {
  const text = readFileSync(join('src', file), 'utf8').replaceAll(/^\s*(\/?\*|\/\/).*$/gm, '');
  const found: Import[] = [];
  for (const [, type, names = '', target = ''] of text.matchAll(
    /^(?:import|export)\s(type\s)?([\w\s{},*$]*?from\s)?\s*'([^']+)'/gm,
  )) {
    const isType = type !== undefined || /^\{\s*(type\s[^,}]+,?\s*)+\}/.test(names);
    found.push({ from: file, to: resolveImport(file, target), isType, isDynamic: false });
  }
  for (const [, target = ''] of text.matchAll(/\bimport\('([^']+)'\)/g)) {
    found.push({ from: file, to: resolveImport(file, target), isType: false, isDynamic: true });
  }
  return found;
}

function resolveImport(file: string, target: string): string {
  return target.startsWith('.') ? join(dirname(file), target) : target;
}

/** Place in the order, or -1. The longest name that fits counts: a file may have a place of its own in its room. */
function rankOf(file: string, rooms: readonly (readonly string[])[]): number {
  const room = rooms
    .flat()
    .filter((name) => file === name || (name.endsWith('/') && file.startsWith(name)))
    .sort((a, b) => b.length - a.length)[0];
  return rooms.findIndex((names) => names.includes(room ?? ''));
}

const show = ({ from, to }: Import) => `${from} → ${to}`;

test('the imports are found', () => {
  expect(inside.map(show)).toContain('pipeline/pipeline.ts → delivery/delivery.ts');
  expect(inside.filter(({ isType }) => isType).map(show)).toContain('errors.ts → wire/v4.ts');
  expect(imports.filter(({ isDynamic }) => isDynamic).map(show)).toContain('transport/http-transport.ts → undici');
});

test('every file has its room', () => {
  const rooms = [...COMMAND_ROOMS, ...VIEWER_ROOMS];
  expect(files.filter((file) => rankOf(file, rooms) < 0)).toEqual([]);
});

test.each([
  ['app half', APP_ROOMS],
  ['server half', SERVER_ROOMS],
  ['command line', COMMAND_ROOMS],
  ['viewer', VIEWER_ROOMS],
])('imports of the %s run downwards', (_, rooms) => {
  const upwards = inside.filter(({ from, to }) => {
    const [rank, target] = [rankOf(from, rooms), rankOf(to, rooms)];
    return rank >= 0 && (target < rank || (target === rank && dirname(from) !== dirname(to)));
  });
  expect(upwards.map(show)).toEqual([]);
});

test('in the server, only the rooms of OTLP read spans', () => {
  const readers = inside.filter(({ from, to }) => from.startsWith('server/') && OF_SPANS.test(to));
  expect(readers.filter(({ from }) => !from.startsWith('server/otlp/')).map(show)).toEqual([]);
  expect(readers.length).toBeGreaterThan(0);
});

test('the two stores know nothing of each other', () => {
  const ofBoth = inside.filter(
    ({ from, to }) =>
      (from.startsWith('server/store/sqlite/') && to.startsWith('server/store/postgres/')) ||
      (from.startsWith('server/store/postgres/') && to.startsWith('server/store/sqlite/')),
  );
  expect(ofBoth.map(show)).toEqual([]);
});

test('only the ledger can change a log', () => {
  const parts = /^delivery\/ledger\/(mutable-entry|contents|order|pending-logs)\.ts$/;
  const writers = inside.filter(({ from, to }) => parts.test(to) && dirname(from) !== 'delivery/ledger');
  expect(writers.map(show)).toEqual([]);
});

test('the viewer takes types only from the other rooms, and no other room imports it', () => {
  const crossing = inside.filter(({ from, to }) => from.startsWith('viewer/') !== to.startsWith('viewer/'));
  expect(crossing.filter(({ from, isType }) => !(from.startsWith('viewer/') && isType)).map(show)).toEqual([]);
});

test('what is slow to load is loaded when it is needed', () => {
  const eager = imports.filter(({ to, isType, isDynamic }) => LAZY.test(to) && !isType && !isDynamic);
  expect(eager.filter(({ from, to }) => !LAZY_ALLOWED[to]?.test(from)).map(show)).toEqual([]);
  const schema = inside.filter(({ to, isType }) => to === 'wire/v4.ts' && !isType);
  expect(schema.filter(({ from }) => !from.startsWith('server/')).map(show)).toEqual([]);
});

test('what reads spans makes a text of no unknown value', () => {
  // It throws for an object without a prototype, and for one whose `toString` came out of JSON.
  const makers = files.filter(
    (file) => file.startsWith('conventions/') && /\bString\(/.test(readFileSync(join('src', file), 'utf8')),
  );
  expect(makers).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const targets = new Map<string, string[]>();
  for (const { from, to } of inside) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file)) return;
    done.add(file);
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test('an app that imports the package loads neither zod nor undici, and undici with the first request', async () => {
  const server = await startTestServer();
  const printer = `export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context);
    const [, name] = /node_modules\\/(zod|undici)\\//.exec(resolved.url) ?? [];
    if (name) (await import('node:fs')).writeSync(1, name + '\\n');
    return resolved;
  }`;
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-base'],
    files: {
      'printer.mjs': printer,
      // The hook above does not see what CommonJS files require.
      'register-printer.mjs': `
        import { writeSync } from 'node:fs';
        import Module, { register } from 'node:module';
        register('./printer.mjs', import.meta.url);
        const load = Module._load;
        Module._load = (name, ...rest) => {
          if (/^(zod|undici)$/.test(name)) writeSync(1, name + '\\n');
          return load(name, ...rest);
        };`,
      'app.mjs': `
        import { HumanloopSpanProcessor } from 'humanloop-otel';
        import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
        const processor = new HumanloopSpanProcessor();
        const provider = new BasicTracerProvider({ spanProcessors: [processor] });
        console.log('imported');
        provider.getTracer('app').startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }).end();
        await processor.forceFlush();
        console.log('flushed', processor.stats().logged);`,
    },
  });
  const { stdout } = await runApp(app, ['--import', './register-printer.mjs', 'app.mjs'], {
    env: { HUMANLOOP_BASE_URL: server.baseUrl },
  });
  expect([...new Set(stdout.trim().split('\n'))]).toEqual(['imported', 'undici', 'flushed 1']);
});
