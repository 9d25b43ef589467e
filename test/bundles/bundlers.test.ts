/**
 * Bundles an app with the built package, as apps for servers and serverless functions are, and runs each bundle in a
 * directory without `node_modules`: it must start, and its log must arrive.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build as buildWithEsbuild } from 'esbuild';
import type { Plugin } from 'rollup';
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const APP = `
  import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
  import { HumanloopSpanProcessor } from 'humanloop-otel';
  const processor = new HumanloopSpanProcessor();
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' };
  provider.getTracer('app').startSpan('chat', { attributes }).end();
  provider.shutdown().then(() => console.log(processor.stats().logged));`;

/** Packages of OpenTelemetry are CommonJS, which in an ES module requires built-in modules. */
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

type Bundle = (entry: string, directory: string) => Promise<void>;
const BUNDLERS: Readonly<Record<string, Bundle>> = {
  'esbuild, CommonJS': (entry, directory) => esbuild(entry, { outfile: join(directory, 'app.cjs'), format: 'cjs' }),
  'esbuild, CommonJS, minified': (entry, directory) =>
    esbuild(entry, { outfile: join(directory, 'app.cjs'), format: 'cjs', minify: true }),
  'esbuild, ES module with require': (entry, directory) =>
    esbuild(entry, { outfile: join(directory, 'app.mjs'), format: 'esm', banner: { js: REQUIRE } }),
  // undici cannot be loaded in this one.
  'esbuild, ES module without require': (entry, directory) =>
    esbuild(entry, { outfile: join(directory, 'app.mjs'), format: 'esm', mainFields: ['module', 'main'] }),
  'esbuild, ES modules with chunks': (entry, directory) =>
    esbuild(entry, {
      outdir: directory,
      outExtension: { '.js': '.mjs' },
      splitting: true,
      format: 'esm',
      banner: { js: REQUIRE },
    }),
  'rollup, CommonJS': (entry, directory) => rollup(entry, directory, 'cjs'),
  'rollup, ES module': (entry, directory) => rollup(entry, directory, 'es'),
  'Vite SSR': viteSsr,
};

async function esbuild(entry: string, options: BuildOptions): Promise<void> {
  const { warnings } = await buildWithEsbuild({
    entryPoints: { app: entry },
    bundle: true,
    platform: 'node',
    target: 'node20',
    tsconfigRaw: '{}',
    logLevel: 'silent',
    ...options,
  });
  expect(warnings).toEqual([]);
}

async function rollup(entry: string, directory: string, format: 'cjs' | 'es'): Promise<void> {
  const { rollup: open } = await import('rollup');
  const { nodeResolve } = await import('@rollup/plugin-node-resolve');
  // Their types are those of CommonJS, where `default` has another meaning.
  const commonjs = (await import('@rollup/plugin-commonjs')).default as unknown as () => Plugin;
  const json = (await import('@rollup/plugin-json')).default as unknown as () => Plugin;
  const warnings: string[] = [];
  const bundle = await open({
    input: entry,
    plugins: [nodeResolve({ preferBuiltins: true }), commonjs(), json()],
    onwarn: ({ message, id }) => {
      if (/humanloop-otel/.test(`${message} ${id}`) && !/Circular/.test(message)) warnings.push(message);
    },
  });
  expect(warnings).toEqual([]);
  const extension = format === 'cjs' ? 'cjs' : 'mjs';
  const names = { entryFileNames: `app.${extension}`, chunkFileNames: `[name].${extension}` };
  await bundle.write({ dir: directory, format, ...names });
  await bundle.close();
}

async function viteSsr(entry: string, directory: string): Promise<void> {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: join(entry, '..'),
    logLevel: 'silent',
    ssr: { noExternal: true, target: 'node' },
    build: { ssr: entry, outDir: directory, rolldownOptions: { output: { entryFileNames: 'app.mjs' } } },
  });
}

test.each(Object.entries(BUNDLERS))('%s: the bundle runs and sends', async (_, bundle) => {
  const server = await startTestServer();
  const app = await createApp({ packages: ['@opentelemetry/sdk-trace-base'], files: { 'app.mjs': APP } });
  const deployed = await mkdtemp(join(tmpdir(), 'humanloop-otel-bundle-'));
  onTestFinished(() => rm(deployed, { recursive: true, force: true }));
  await bundle(join(app, 'app.mjs'), deployed);
  const main = (await readdir(deployed)).find((name) => /^app\.[cm]js$/.test(name)) as string;
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const result = await runApp(deployed, ['--unhandled-rejections=strict', main], { env });
  expect(result).toEqual({ code: 0, stdout: '1\n', stderr: '' });
  expect(await readLogs(server.baseUrl, new Date(0))).toMatchObject([{ config: { model: 'gpt-4o-mini' } }]);
});

const CONDITIONS = ['edge-light', 'workerd', 'worker', 'browser'];

/** Vercel's, Cloudflare's and browsers' bundles: no built-in module of Node may be left in them. */
test.each(CONDITIONS)('%s: the import bundles without Node, and says once that nothing is sent', async (condition) => {
  const source = `
    import * as api from 'humanloop-otel';
    import 'humanloop-otel/register';
    export const names = Object.keys(api);
    const processors = [new api.HumanloopSpanProcessor({}), new api.HumanloopSpanExporter({})];
    for (const processor of processors) await processor.forceFlush();
    processors[1].export([], ({ code }) => console.log('exported', code));
    await new api.HumanloopLogs({}).log({}).catch((error) => console.log(error instanceof api.HumanloopError));
    console.log(names.join());`;
  const app = await createApp({ files: { 'app.mjs': source } });
  const options: BuildOptions = { platform: 'neutral', conditions: [condition], format: 'esm', outfile: 'edge.mjs' };
  await esbuild(join(app, 'app.mjs'), { ...options, absWorkingDir: app });
  const result = await runApp(app, ['edge.mjs']);
  const names = Object.keys(await import('../../src/index.ts')).sort();
  expect(result).toEqual({
    code: 0,
    stdout: `exported 0\ntrue\n${names.join()}\n`,
    stderr:
      'humanloop-otel does nothing in this runtime (edge, worker or browser): it needs Node.js, Bun or Deno. No log is sent from here.\n',
  });
});

test('the classes of edge runtimes have all methods', async () => {
  const [node, edge] = await Promise.all([import('../../src/index.ts'), import('../../src/edge/index.ts')]);
  const missing = Object.entries(node).flatMap(([name, value]) => {
    const methods = typeof value === 'function' ? Object.getOwnPropertyNames(value.prototype) : [];
    const { prototype } = edge[name as 'HumanloopLogs'];
    return methods.filter((method) => !(method in prototype)).map((method) => `${name}.${method}`);
  });
  expect(missing).toEqual([]);
});
