/**
 * Trials of Next.js: routes of the Node and of the edge runtime, a page and a proxy, built and in development, with
 * Turbopack and webpack, with `@vercel/otel` and with a provider of the app. No route may fail.
 */
import type { Trial } from './trial.ts';

const PACKAGES = {
  next: '16.4.6',
  react: '19.2.0',
  'react-dom': '19.2.0',
  '@vercel/otel': '2.1.3',
  '@opentelemetry/api-logs': '0.223.0',
  '@opentelemetry/instrumentation': '0.223.0',
  '@opentelemetry/resources': '2.12.0',
  '@opentelemetry/sdk-logs': '0.223.0',
  '@opentelemetry/sdk-metrics': '2.12.0',
  '@opentelemetry/sdk-trace-base': '2.12.0',
  '@opentelemetry/sdk-trace-node': '2.12.0',
};

/** The import at the top is also built for the edge runtime. */
const INSTRUMENTATIONS = {
  '@vercel/otel': `
    import { registerOTel } from '@vercel/otel';
    import { HumanloopSpanProcessor } from 'humanloop-otel';
    export function register() {
      registerOTel({ serviceName: 'trial', spanProcessors: [new HumanloopSpanProcessor()] });
    }`,
  'own provider': `
    import { HumanloopSpanProcessor } from 'humanloop-otel';
    export async function register() {
      if (process.env.NEXT_RUNTIME === 'nodejs') {
        const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
        new NodeTracerProvider({ spanProcessors: [new HumanloopSpanProcessor()] }).register();
      }
    }`,
};

const ROUTE = `
  import { trace } from '@opentelemetry/api';
  export async function GET() {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' };
    trace.getTracer('app').startSpan('chat', { attributes }).end();
    return Response.json({ runtime: process.env.NEXT_RUNTIME });
  }`;

/** Starts `next ...arguments`, calls the routes, and stops it after the logs have been sent. */
const DRIVER = `
  import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  import { setTimeout as sleep } from 'node:timers/promises';
  const next = spawn('next', [...process.argv.slice(2), '-p', '0'], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [next.stdout, next.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
  try {
    while (!/localhost:\\d+[^]*Ready/.test(output)) {
      if (next.exitCode !== null) throw new Error('next has ended');
      await sleep(100);
    }
    const [url] = /http:\\/\\/localhost:\\d+/.exec(output);
    for (const path of ['/node', '/edge', '/page', '/node']) {
      const { status } = await fetch(url + path);
      console.log(path, status);
      if (status !== 200) process.exitCode = 1;
    }
    await sleep(2_000);
  } finally {
    if (next.exitCode === null) {
      process.kill(-next.pid, 'SIGTERM');
      await once(next, 'close');
    }
    console.log(output);
  }`;

const FILES = {
  'app/layout.js': 'export default ({ children }) => <html><body>{children}</body></html>;',
  'app/page/page.js': `export const dynamic = 'force-dynamic'; export default () => <p>page</p>;`,
  'app/node/route.js': `export const dynamic = 'force-dynamic'; ${ROUTE}`,
  'app/edge/route.js': `export const runtime = 'edge'; ${ROUTE}`,
  'proxy.js': `import { NextResponse } from 'next/server'; export const proxy = () => NextResponse.next();`,
  'next.config.mjs':
    'export default { outputFileTracingRoot: import.meta.dirname, turbopack: { root: import.meta.dirname } };',
  'drive.mjs': DRIVER,
};

/** The edge route reports that it logs nothing; the two calls of the Node route are logged. */
function trialOf(set: keyof typeof INSTRUMENTATIONS, bundler: 'Turbopack' | 'webpack', isBuilt: boolean): Trial {
  const flag = bundler === 'webpack' ? ' --webpack' : '';
  return {
    name: `Next.js, ${bundler}, ${set}, ${isBuilt ? 'build and start' : 'dev'}`,
    packages: PACKAGES,
    files: { ...FILES, 'instrumentation.js': INSTRUMENTATIONS[set] },
    steps: isBuilt ? [`next build${flag}`, 'node drive.mjs start'] : [`node drive.mjs dev${flag}`],
    logs: 2,
    ...(set === '@vercel/otel' && { prints: ['humanloop-otel does nothing in this runtime'] }),
  };
}

const SETS = ['@vercel/otel', 'own provider'] as const;
export const NEXT_TRIALS: readonly Trial[] = SETS.flatMap((set) =>
  (['Turbopack', 'webpack'] as const).flatMap((bundler) => [trialOf(set, bundler, true), trialOf(set, bundler, false)]),
);
