/** Spans of client libraries that a framework calls, with a real SDK. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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
  const call = (scope: string, name = 'chat') => provider.getTracer(scope).startSpan(name).end();
  const callActive = (scope: string) => provider.getTracer(scope).startActiveSpan('active', (span) => span.end());
  return { call, callActive, names: () => exporter.getFinishedSpans().map(({ name }) => name) };
}

/** A function in a file of the framework, which calls what it is given. */
async function createFramework(): Promise<(step: () => void) => void> {
  const directory = await mkdtemp(join(tmpdir(), 'framework-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const folder = join(directory, 'node_modules/@langchain/openai');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'chat.mjs'), 'export function run(step) { step(); }');
  return (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'chat.mjs')).href)).run;
}

test('calls of the framework have no span of the client, and those of the app have', async () => {
  const run = await createFramework();
  const { call, callActive, names } = start([choiceOf('openai', CLIENT), choiceOf('@langchain/core', FRAMEWORK)]);
  run(() => call(CLIENT, 'nested'));
  run(() => callActive(CLIENT));
  run(() => call(FRAMEWORK, 'chain'));
  run(() => call(CLIENT, 'CreateEmbeddings'));
  run(() => call('@opentelemetry/instrumentation-undici', 'POST'));
  call(CLIENT, 'own');
  callActive(CLIENT);
  expect(names()).toEqual(['chain', 'CreateEmbeddings', 'POST', 'own', 'active']);
});

test('nothing is dropped if nothing sees the framework', async () => {
  const run = await createFramework();
  const { call, names } = start([choiceOf('openai', CLIENT), choiceOf('@langchain/core', undefined)]);
  run(() => call(CLIENT, 'nested'));
  expect(names()).toEqual(['nested']);
});
