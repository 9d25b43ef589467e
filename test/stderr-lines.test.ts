/** What a user reads on stderr when something is wrong, without any logger: one line for each fault. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adviseOn } from '../src/delivery/advice.ts';
import { createApp, runApp } from './support/installed-app.ts';
import { startMisbehavingV4 } from './support/misbehaving-v4.ts';
import { startTestServer } from './support/start-test-server.ts';

const SDK = { packages: ['@opentelemetry/sdk-trace-node', '@opentelemetry/core', '@photostructure/sqlite'] };

/** An app that traces two calls, one after the other, and shuts down. `provider` are further options. */
function app({ options = '{}', provider = '', before = '', register = 'provider.register();', end = '' } = {}): string {
  return `
    import { DiagConsoleLogger, DiagLogLevel, diag, trace } from '@opentelemetry/api';
    import * as sdk from '@opentelemetry/sdk-trace-node';
    import { HumanloopSpanProcessor } from 'humanloop-otel';
    ${before}
    const processor = new HumanloopSpanProcessor(${options});
    const provider = new sdk.NodeTracerProvider({ spanProcessors: [processor], ${provider} });
    ${register}
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'a-model-with-a-long-name' };
    for (let call = 0; call < 2; call++) {
      trace.getTracer('app').startSpan('chat', { attributes }).end();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    ${end || 'const startedAt = Date.now(); await processor.shutdown(); console.log(Date.now() - startedAt);'}
    console.log(JSON.stringify(processor.stats()));`;
}

async function run(source: string, env: Record<string, string> = {}) {
  const directory = await createApp({ ...SDK, files: { 'app.mjs': source } });
  const result = await runApp(directory, ['app.mjs'], { env });
  expect(result.code, result.stderr).toBe(0);
  const lines = result.stderr.trimEnd().split('\n').filter(Boolean);
  const [millis = '', stats = '{}'] = result.stdout.split('\n');
  return { lines, millis: Number(millis), stats: JSON.parse(stats) };
}

const SHORT = '{ flushTimeoutMillis: 300 }';

test('refused: how to start the server, and a shutdown gives up after 5 seconds', async () => {
  const { lines, millis, stats } = await run(app(), { HUMANLOOP_BASE_URL: 'http://127.0.0.1:9/v4' });
  expect(lines).toEqual([
    expect.stringMatching(
      /^humanloop-otel: nothing can be sent now: http:\/\/127\.0\.0\.1:9\/v4 refuses connections \(ECONNREFUSED\): start the server: npx humanloop-otel serve --port 9 \(/,
    ),
    'humanloop-otel: 2 logs are lost, not delivered before the shutdown',
  ]);
  expect(stats.dropped).toEqual({ shutdown: 2 });
  expect(millis).toBeGreaterThan(4_000);
  // The deadline of a flush is half a minute.
  expect(millis).toBeLessThan(20_000);
});

test('spans that end after the shutdown: one line for all of them', async () => {
  const server = await startTestServer();
  const end = `
    await processor.shutdown();
    for (let call = 0; call < 2; call++) trace.getTracer('app').startSpan('chat', { attributes }).end();
    console.log(0);`;
  const { lines, stats } = await run(app({ end }), { HUMANLOOP_BASE_URL: server.baseUrl });
  expect(lines).toEqual([
    'humanloop-otel: a span ended after the shutdown, and is lost: shut down when the last span has ended',
  ]);
  expect(stats).toMatchObject({ logged: 2, dropped: { shutdown: 2 } });
});

test('a server that was there is waited for until the deadline', async () => {
  const server = await startTestServer();
  const end = `
    await processor.forceFlush();
    await fetch(process.env.STOP);
    trace.getTracer('app').startSpan('chat', { attributes }).end();
    const startedAt = Date.now(); await processor.shutdown(); console.log(Date.now() - startedAt);`;
  const { createServer } = await import('node:http');
  const stopper = createServer((_, response) => void server.close().then(() => response.end())).listen(0);
  const { port } = stopper.address() as { port: number };
  const options = '{ flushTimeoutMillis: 6500 }';
  const { millis } = await run(app({ end, options }), {
    HUMANLOOP_BASE_URL: server.baseUrl,
    STOP: `http://127.0.0.1:${port}`,
  });
  stopper.close();
  expect(millis).toBeGreaterThan(6_300);
});

test.each([
  ['no key', {}, 401, 'asks for an API key (HTTP 401): set HUMANLOOP_API_KEY (or the option apiKey)'],
  [
    'a wrong key',
    { HUMANLOOP_API_KEY: 'hl_wrong_key' },
    403,
    'does not accept the API key (HTTP 403): set HUMANLOOP_API_KEY',
  ],
])('%s: which variable', async (_, env, status, said) => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status } }) });
  const { lines } = await run(app({ options: SHORT }), { HUMANLOOP_BASE_URL: server.baseUrl, ...env });
  expect(lines.filter((line) => line.includes(said))).toHaveLength(1);
  expect(lines.join()).not.toContain('hl_wrong_key');
});

test('no logs API at the address: does it end in /v4?', async () => {
  const server = await startTestServer();
  const { lines } = await run(app({ options: SHORT }), { HUMANLOOP_BASE_URL: server.url });
  expect(lines[0]).toContain(`${server.url} has no logs API (HTTP 404): does the address end in /v4?`);
  expect(lines).toHaveLength(2);
});

test('the closed service: nothing is sent, and what is dropped is counted', async () => {
  const { lines, stats, millis } = await run(app(), { HUMANLOOP_BASE_URL: 'https://api.humanloop.com/v4' });
  expect(lines).toEqual([
    expect.stringMatching(/api\.humanloop\.com is closed since September 2025.*unset HUMANLOOP_BASE_URL/),
  ]);
  expect(stats.dropped).toEqual({ service_closed: 2 });
  // A server that refuses would be waited for for five seconds.
  expect(millis).toBeLessThan(4_500);
});

test('TLS where there is none', async () => {
  const server = await startTestServer();
  const { lines } = await run(app({ options: SHORT }), { HUMANLOOP_BASE_URL: server.baseUrl.replace('http', 'https') });
  expect(lines[0]).toMatch(/does not speak TLS \(\w+\): does its address begin with http:\/\/\? \(/);
});

test.each([
  ['ENOTFOUND', 'the host logs.example.com is not found (ENOTFOUND): see HUMANLOOP_BASE_URL'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'is not accepted (SELF_SIGNED_CERT_IN_CHAIN): set NODE_EXTRA_CA_CERTS'],
  ['CERT_HAS_EXPIRED', 'the certificate of https://logs.example.com/v4 is not accepted (CERT_HAS_EXPIRED)'],
  ['ECONNREFUSED', 'does the server run there, and is its port right?'],
  ['EHOSTUNREACH', 'cannot be reached (EHOSTUNREACH)'],
])('%s', (code, text) => {
  const cause = new AggregateError([Object.assign(new Error(''), { code })]);
  const advice = adviseOn({ kind: 'unsent', cause, roundTripTime: 1 }, { baseUrl: 'https://logs.example.com/v4' });
  expect(advice?.text).toContain(text);
});

test('a redirect is named without its path and credentials', () => {
  const headers = { location: 'https://user:secret@other.example.com/secret' };
  const outcome = { kind: 'answered', status: 308, headers, text: '', truncated: false, roundTripTime: 1 } as const;
  const advice = adviseOn(outcome, { baseUrl: 'http://a.example.com/v4' });
  expect(advice?.text).toContain('redirects to https://other.example.com (HTTP 308), which is not followed');
  expect(advice?.text).not.toContain('secret');
});

test.each([
  ['away\r\n\u001b[31mfor now', ' (away [31mfor now)'],
  [' \n', ''],
  [`${'x'.repeat(199)}😀`, ` (${'x'.repeat(199)}\ufffd)`],
  [[{ msg: 'a list' }], ''],
  [undefined, ''],
])('what a failing server says of itself is a part of the line: %j', (detail, said) => {
  const text = JSON.stringify({ detail });
  const outcome = { kind: 'answered', status: 503, headers: {}, text, truncated: false, roundTripTime: 1 } as const;
  expect(adviseOn(outcome, { baseUrl: 'http://a.example.com/v4' })?.text).toBe(
    `http://a.example.com/v4 answers HTTP 503${said}: see what the server itself prints`,
  );
});

test('a process that ends without a shutdown: how many logs are lost, those of spans that are open among them', async () => {
  const server = await startTestServer();
  const call = `trace.getTracer('app').startSpan('chat', { attributes })`;
  const end = `
    await processor.forceFlush();
    trace.getTracer('app').startSpan('GET /').end();
    ${call};
    ${call}.end();
    console.log(0);`;
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const { lines, stats } = await run(app({ end }), env);
  expect(lines).toEqual([
    expect.stringMatching(/^humanloop-otel: up to 2 logs are lost: .*shutdown\(\) of the SDK or the provider/),
  ]);
  expect(stats).toMatchObject({ logged: 2 });
  expect((await run(app({ end }), { ...env, HUMANLOOP_QUIET: 'true' })).lines).toEqual([]);
  const spooled = `{ spool: { directory: 'spool' } }`;
  expect((await run(app({ end, options: spooled }), env)).lines).toEqual([]);
  const plain = `trace.getTracer('app').startSpan('GET /').end(); console.log(0);`;
  expect((await run(app({ end: `await processor.forceFlush();${plain}` }), env)).lines).toEqual([]);
});

test('no tracer provider is registered', async () => {
  const server = await startTestServer();
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  expect((await run(app({ register: '' }), env)).lines).toEqual([
    expect.stringContaining('no span has come, and no tracer provider is registered: call register()'),
  ]);
  expect((await run(app(), env)).lines).toEqual([]);
});

test('no tracer provider is registered in a process that does not end, when it sends a request', async () => {
  const server = await startTestServer();
  const end = `
    setInterval(() => fetch(process.env.HUMANLOOP_BASE_URL).catch(() => undefined), 500);
    setInterval(() => process.kill(process.pid, 'SIGKILL'), 4000);`;
  const directory = await createApp({ ...SDK, files: { 'app.mjs': app({ register: '', end }) } });
  const { stderr } = await runApp(directory, ['app.mjs'], { env: { HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(stderr.match(/no tracer provider is registered/g)).toHaveLength(1);
});

test('a server that never answers, and one that answered before', async () => {
  const silent = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const options = '{ flushTimeoutMillis: 5000, timeoutMillis: 1000 }';
  const never = await run(app({ options }), { HUMANLOOP_BASE_URL: silent.baseUrl });
  expect(never.lines[0]).toContain('accepts connections, but does not answer (');
  const later = await startMisbehavingV4({ fault: (_, index) => (index > 0 ? { answer: 'hang' } : undefined) });
  const { lines } = await run(app({ options }), { HUMANLOOP_BASE_URL: later.baseUrl });
  expect(lines).toEqual(['humanloop-otel: 1 log is lost, not delivered before the shutdown']);
});

test('nothing is sampled', async () => {
  const server = await startTestServer();
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const off = await run(app(), { ...env, OTEL_TRACES_SAMPLER: 'always_off' });
  expect(off.lines).toEqual([expect.stringMatching(/samples none \(AlwaysOffSampler\): unset OTEL_TRACES_SAMPLER/)]);
  const provider = `sampler: { shouldSample: () => ({ decision: 1 }), toString: () => 'OnlyRecords' }`;
  const recorded = await run(app({ provider }), env);
  expect(recorded.lines).toEqual([
    expect.stringContaining(`the span 'chat' of a model call is not sampled by OnlyRecords`),
  ]);
});

test('attributes that are cut or dropped, with the remedy for where the limit is set', async () => {
  const server = await startTestServer();
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const cut = await run(app(), { ...env, OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '20' });
  expect(cut.lines).toEqual([
    expect.stringMatching(
      /cut the attribute gen_ai\.request\.model .* to 20 characters.*: unset OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT$/,
    ),
  ]);
  const inCode = await run(app({ provider: 'spanLimits: { attributeValueLengthLimit: 20 }' }), env);
  expect(inCode.lines).toEqual([
    expect.stringMatching(/: remove spanLimits\.attributeValueLengthLimit of the tracer provider$/),
  ]);
  const dropped = await run(app({ provider: 'spanLimits: { attributeCountLimit: 1 }' }), env);
  expect(dropped.lines).toEqual([
    expect.stringMatching(/dropped 1 attribute .*: set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, or spanLimits/),
  ]);
});

test('two copies of the API of which one does not see the provider', async () => {
  const server = await startTestServer();
  // The copy of a library, of a later version.
  const library = `require('@opentelemetry/api').trace.getTracer('library').startSpan('chat').end();`;
  const directory = await createApp({
    ...SDK,
    files: { 'app.mjs': app({ before: `import 'library';` }), 'node_modules/library/index.js': library },
  });
  const copy = join(directory, 'node_modules/library/node_modules/@opentelemetry/api');
  await cp('node_modules/@opentelemetry/api', copy, { recursive: true, dereference: true });
  const { readFile, writeFile } = await import('node:fs/promises');
  for (const file of ['package.json', 'build/src/version.js']) {
    const text = await readFile(join(copy, file), 'utf8');
    await writeFile(join(copy, file), text.replaceAll(/\b1\.\d+\.\d+\b/g, '1.99.0'));
  }
  const { stderr } = await runApp(directory, ['app.mjs'], { env: { HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(stderr).toMatch(
    /two copies of @opentelemetry\/api are loaded, and version 1\.99\.0 in .*library.* does not see/,
  );
});

test('a spool directory that cannot be used', async () => {
  const server = await startTestServer();
  const options = `{ spool: { directory: 'app.mjs/spool' } }`;
  const { lines } = await run(app({ options }), { HUMANLOOP_BASE_URL: server.baseUrl });
  expect(lines).toEqual([
    expect.stringMatching(/^humanloop-otel: the spool cannot be used, going on in memory: app\.mjs\/spool .*ENOTDIR/),
  ]);
});

test('with diag each line is on stderr once, and with quiet none is, but for what diag prints itself', async () => {
  const env = { HUMANLOOP_BASE_URL: 'http://127.0.0.1:9/v4' };
  const isUnsent = (line: string) => line.includes('refuses connections');
  const consoleLogger = 'diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);';
  const errorsOnly = 'diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR);';
  for (const before of [consoleLogger, errorsOnly, '']) {
    expect((await run(app({ before, options: SHORT }), env)).lines.filter(isUnsent)).toHaveLength(1);
  }
  expect((await run(app({ options: '{ flushTimeoutMillis: 300, quiet: true }' }), env)).lines).toEqual([]);
  expect((await run(app({ options: SHORT }), { ...env, HUMANLOOP_QUIET: '1' })).lines).toEqual([]);
});

test('a trace of another service: where the logs of services that this one calls are not below its own', async () => {
  const server = await startTestServer();
  const end = `
    const { ROOT_CONTEXT } = await import('@opentelemetry/api');
    const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };
    for (let call = 0; call < 2; call++) {
      trace.getTracer('app').startSpan('chat', { attributes }, trace.setSpanContext(ROOT_CONTEXT, remote)).end();
    }
    await processor.shutdown();
    console.log(0);`;
  const own = `
    const { CompositePropagator, W3CTraceContextPropagator } = await import('@opentelemetry/core');
    const { HumanloopPropagator } = await import('humanloop-otel');
    provider.register({
      propagator: new CompositePropagator({
        propagators: [new W3CTraceContextPropagator(), new HumanloopPropagator(processor)],
      }),
    });`;
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const { lines } = await run(app({ end }), env);
  expect(lines).toEqual([
    expect.stringMatching(
      /^humanloop-otel: a trace came from another service, .*: add new HumanloopPropagator\(processor\)/,
    ),
  ]);
  expect((await run(app({ end, register: own }), env)).lines).toEqual([]);
  expect((await run(app({ end, options: `{ remoteParent: 'top' }` }), env)).lines).toEqual([]);
});
