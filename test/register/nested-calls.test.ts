/** Spans of client libraries that a framework calls, with a real SDK. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Tracer } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { expect, onTestFinished, test } from 'vitest';
import { LLM_PACKAGES } from '../../src/register/catalog.ts';
import type { Choice } from '../../src/register/instrumentations.ts';
import { dropNestedCalls } from '../../src/register/nested-calls.ts';

const CLIENT = '@arizeai/openinference-instrumentation-openai';
const FRAMEWORK = '@arizeai/openinference-instrumentation-langchain';

function choiceOf(name: string, by: string | undefined): Choice {
  const llm = LLM_PACKAGES.find((known) => known.name === name)!;
  return { llm, name, version: '1.0.0', by, advice: undefined, isOwn: true };
}

function start(choices: readonly Choice[]) {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  dropNestedCalls(provider, choices);
  const tracerOf = (scope: string) => provider.getTracer(scope);
  return { tracerOf, names: () => exporter.getFinishedSpans().map(({ name }) => name) };
}

type Call = (tracer: Tracer, name: string) => void;

interface Packages {
  /** Functions of the client. */
  readonly call: Call;
  readonly callActive: Call;
  /** A function of the framework, which calls the given one. */
  readonly run: (call: Call, tracer: Tracer, name: string) => void;
}

async function createPackages(): Promise<Packages> {
  const directory = await mkdtemp(join(tmpdir(), 'framework-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const write = async (name: string, source: string) => {
    const folder = join(directory, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'index.mjs'), source);
    return import(/* @vite-ignore */ pathToFileURL(join(folder, 'index.mjs')).href);
  };
  const client = await write(
    'openai',
    `export function call(tracer, name) { tracer.startSpan(name).end(); }
     export function callActive(tracer, name) { tracer.startActiveSpan(name, (span) => span.end()); }`,
  );
  return { ...client, ...(await write('@langchain/openai', 'export function run(call, ...args) { call(...args); }')) };
}

test('calls of the framework have no span of the client, and those of the app have', async () => {
  const { call, callActive, run } = await createPackages();
  const { tracerOf, names } = start([choiceOf('openai', CLIENT), choiceOf('@langchain/core', FRAMEWORK)]);
  const client = tracerOf(CLIENT);
  run(call, client, 'nested');
  run(callActive, client, 'nested and active');
  run(call, tracerOf(FRAMEWORK), 'chain');
  run(call, client, 'CreateEmbeddings');
  run(call, tracerOf('@opentelemetry/instrumentation-undici'), 'POST');
  run((tracer, name) => call(tracer, name), client, 'in a tool of the app');
  call(client, 'own');
  callActive(client, 'active');
  expect(names()).toEqual(['chain', 'CreateEmbeddings', 'POST', 'in a tool of the app', 'own', 'active']);
});

test('nothing is dropped if nothing sees the framework', async () => {
  const { call, run } = await createPackages();
  const { tracerOf, names } = start([choiceOf('openai', CLIENT), choiceOf('@langchain/core', undefined)]);
  run(call, tracerOf(CLIENT), 'nested');
  expect(names()).toEqual(['nested']);
});
