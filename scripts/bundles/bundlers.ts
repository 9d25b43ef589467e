/** Trials of CommonJS and of bundlers. Bundles run in a folder of their own, without `node_modules`. */
import { COMMONJS_APP, HANDLER, JEST_TEST, MODULE_APP, SDK } from './app.ts';
import type { Trial } from './trial.ts';

/** Bundles that are run beside `node_modules` could load from there what they lack. */
const DEPLOY = 'rm -rf ../deployed-$$ && cp -r out ../deployed-$$ && cd ../deployed-$$ && node';
const WEBPACK = `
  const output = { path: __dirname + '/out', filename: 'app.cjs' };
  module.exports = { mode: 'production', target: 'node', entry: './app.mjs', output };`;
const TYPES = { '@types/node': '24.19.2' };
const tsc = (flags: string) =>
  `tsc --strict --target es2022 --esModuleInterop --types node --outDir out ${flags} app.ts`;
const TS_APP = `${MODULE_APP}
import { startServer, type ServerOptions } from 'humanloop-otel/server';
export const serve = (options: ServerOptions) => startServer(options);
import 'humanloop-otel/register';
`;

export const BUNDLER_TRIALS: readonly Trial[] = [
  { name: 'CommonJS: require', packages: SDK, files: { 'app.cjs': COMMONJS_APP }, steps: ['node app.cjs'], logs: 1 },
  {
    name: 'jest, CommonJS',
    packages: { ...SDK, jest: '30.5.2' },
    files: { 'app.test.js': JEST_TEST },
    steps: ['jest'],
    logs: 1,
  },
  {
    name: 'webpack 5, target node',
    packages: { ...SDK, webpack: '5.113.0', 'webpack-cli': '6.0.1' },
    files: { 'app.mjs': MODULE_APP, 'webpack.config.cjs': WEBPACK },
    steps: ['webpack', `${DEPLOY} app.cjs`],
    logs: 1,
  },
  {
    name: 'webpack 5, its second file not deployed',
    packages: { ...SDK, webpack: '5.113.0', 'webpack-cli': '6.0.1' },
    files: { 'app.mjs': MODULE_APP, 'webpack.config.cjs': WEBPACK },
    steps: ['webpack', 'find out -type f ! -name app.cjs -delete', `${DEPLOY} app.cjs`],
    logs: 1,
  },
  {
    name: 'tsup, CommonJS and ES module',
    packages: { ...SDK, tsup: '8.5.1', typescript: '5.9.3' },
    files: { 'app.ts': MODULE_APP },
    steps: ['tsup app.ts --format cjs,esm --out-dir out', 'node out/app.js', 'node out/app.mjs'],
    logs: 2,
  },
  {
    name: 'esbuild as serverless frameworks call it (CommonJS, minified, packages bundled)',
    packages: { ...SDK, esbuild: '0.28.2' },
    files: { 'handler.mjs': HANDLER },
    steps: [
      'esbuild handler.mjs --bundle --platform=node --target=node20 --minify --sourcemap --outfile=out/handler.js',
      `${DEPLOY} -e "require('./handler.js').handler().then((answer) => process.exit(answer.statusCode - 200))"`,
    ],
    logs: 1,
  },
  {
    name: '@vercel/nft: only the traced files deployed',
    packages: { ...SDK, '@vercel/nft': '1.11.5' },
    files: {
      'app.mjs': MODULE_APP,
      'app.cjs': COMMONJS_APP,
      'trace.mjs': `
        import { nodeFileTrace } from '@vercel/nft';
        import { cpSync } from 'node:fs';
        const { fileList, warnings } = await nodeFileTrace(['app.mjs', 'app.cjs']);
        for (const file of fileList) cpSync(file, 'out/' + file, { recursive: true, dereference: true });
        for (const warning of warnings) if (/humanloop-otel/.test(warning.message)) throw warning;`,
    },
    steps: ['node trace.mjs', `${DEPLOY} app.mjs && node app.cjs`],
    logs: 2,
  },
  ...['5.9.3', '6.0.3'].map(
    (version): Trial => ({
      name: `TypeScript ${version}: node16 and nodenext from CommonJS${version < '6' ? ', node10' : ''}, bundler`,
      packages: { ...SDK, ...TYPES, typescript: version },
      files: { 'app.ts': TS_APP },
      steps: [
        tsc('--module node16 --moduleResolution node16'),
        tsc('--module nodenext --moduleResolution nodenext'),
        tsc('--module esnext --moduleResolution bundler'),
        tsc(
          version < '6'
            ? '--module commonjs --moduleResolution node10'
            : '--module commonjs --moduleResolution bundler',
        ),
        'node out/app.js',
      ],
      logs: 1,
    }),
  ),
];
