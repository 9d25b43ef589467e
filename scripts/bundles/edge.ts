/** Trials of edge runtimes: Cloudflare's workerd and Vercel's edge-runtime. The import is harmless there, and says so. */
import { SDK } from './app.ts';
import type { Trial } from './trial.ts';

const WORKER = `
  import { HumanloopLogs, HumanloopSpanProcessor } from 'humanloop-otel';
  import 'humanloop-otel/register';
  import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

  const processor = new HumanloopSpanProcessor();
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });

  export async function answer() {
    const attributes = { 'gen_ai.operation.name': 'chat' };
    provider.getTracer('edge').startSpan('chat', { attributes }).end();
    await provider.forceFlush();
    const refused = await new HumanloopLogs().list({}).catch(({ name }) => name);
    return new Response('logged ' + processor.stats().logged + ', ' + refused);
  }`;
const PRINTS = [
  'humanloop-otel does nothing in this runtime (edge, worker or browser)',
  'answers 200: logged 0, HumanloopError',
];
const bundle = (conditions: string, format: string) =>
  `esbuild entry.mjs --bundle --format=${format} --conditions=${conditions} --outfile=out.js --log-level=error`;

export const EDGE_TRIALS: readonly Trial[] = [
  {
    name: 'workerd (Cloudflare Workers)',
    packages: { ...SDK, esbuild: '0.28.2', miniflare: '4.20260426.0' },
    files: {
      'worker.mjs': WORKER,
      'entry.mjs': `import { answer } from './worker.mjs'; export default { fetch: answer };`,
      'run.mjs': `
        import { Miniflare } from 'miniflare';
        const options = { modules: true, scriptPath: 'out.js', compatibilityDate: '2026-01-01', cf: false };
        for (const compatibilityFlags of [[], ['nodejs_compat']]) {
          const runtime = new Miniflare({ ...options, compatibilityFlags });
          const response = await runtime.dispatchFetch('http://worker/');
          console.log('answers ' + response.status + ': ' + (await response.text()));
          await runtime.dispose();
        }`,
    },
    steps: [bundle('workerd,worker,browser', 'esm'), 'node run.mjs'],
    logs: 0,
    prints: PRINTS,
  },
  {
    name: 'edge-runtime (Vercel)',
    packages: { ...SDK, esbuild: '0.28.2', 'edge-runtime': '4.0.1' },
    files: {
      'worker.mjs': WORKER,
      'entry.mjs': `
        import { answer } from './worker.mjs';
        addEventListener('fetch', (event) => event.respondWith(answer()));`,
      'run.mjs': `
        import { readFileSync } from 'node:fs';
        import { EdgeRuntime } from 'edge-runtime';
        const runtime = new EdgeRuntime({ initialCode: readFileSync('out.js', 'utf8') });
        const response = await runtime.dispatchFetch('http://edge/');
        console.log('answers ' + response.status + ': ' + (await response.text()));`,
    },
    steps: [bundle('edge-light,worker,browser', 'iife'), 'node run.mjs'],
    logs: 0,
    prints: PRINTS,
  },
];
