/**
 * `node --import humanloop-otel/register app.js`: traces an app without tracing of its own, without a line of code.
 *
 * It uses the OpenTelemetry SDK and the instrumentations that the app has installed. If something goes wrong, it prints
 * one line to stderr, and the app runs as it would without this file.
 */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort } from 'node:worker_threads';
import { context, propagation, type TracerProvider, trace } from '@opentelemetry/api';
import { mainScript } from './host/app-package.ts';
import { resolveOptions } from './options.ts';
import { registeredProvider } from './pipeline/doctor/span-limits.ts';
import { HumanloopSpanProcessor } from './processors/span-processor.ts';
import { switchOnAiSdk } from './register/ai-sdk.ts';
import { announce, attempt, say, warnIfNothingWasSeen, warnOfUnseen } from './register/announce.ts';
import { App } from './register/app.ts';
import { startBundle } from './register/bundle.ts';
import { BUNDLE } from './register/catalog.ts';
import { captureContent, isDisabled } from './register/content.ts';
import { AsyncContextManager } from './register/context-manager.ts';
import { letTracersFollow } from './register/following-tracers.ts';
import { findOwnProcessor, giveWayToApp } from './register/give-way.ts';
import { chooseInstrumentations, startInstrumentations } from './register/instrumentations.ts';
import { sendLastLogs } from './register/last-logs.ts';
import { takeLogEvents } from './register/log-events.ts';
import { applyLogLevel } from './register/log-level.ts';
import { watchModules } from './register/module-hooks.ts';
import { dropNestedCalls } from './register/nested-calls.ts';
import { isFirstInstance } from './register/others.ts';
import { traceRequests } from './register/requests.ts';
import { findSdk } from './register/sdk.ts';

/** Some versions of Node run `--require` again in the thread of their module hooks, which has no parent to talk to. */
const isHooksThread = !isMainThread && parentPort === null;

if (!isDisabled() && !isHooksThread) {
  attempt(() => {
    const app = new App(mainScript(), process.cwd());
    if (!app.isLauncher && isFirstInstance()) setUp(app);
  });
}

function setUp(app: App): void {
  applyLogLevel();
  const sdk = findSdk(app);
  if (!sdk) return say('no OpenTelemetry SDK found. Install one: npm install @opentelemetry/sdk-trace-node');
  const processor = new HumanloopSpanProcessor();
  let hasGivenWay = false;
  const provider = sdk.createProvider(processor, () => hasGivenWay);
  if (!trace.setGlobalTracerProvider(provider)) return sayIsRegistered();
  const contexts = new AsyncContextManager();
  context.setGlobalContextManager(contexts);
  const { propagator, missing } = sdk.createPropagators(processor);
  if (propagator) propagation.setGlobalPropagator(propagator);
  for (const name of missing) say(`OTEL_PROPAGATORS names ${name}, which is not installed`);
  const options = resolveOptions();
  sendLastLogs(processor, options);

  captureContent();
  const choices = chooseInstrumentations(app);
  dropNestedCalls(provider, choices);
  takeLogEvents(app, choices, processor);
  const loaded = watchModules(pathToFileURL(join(dirname(import.meta.filename), 'register', 'loader-thread.js')));
  loaded.handTo(startInstrumentations(choices));
  const aiSdk = switchOnAiSdk(app);
  const bundle = app.find(BUNDLE);
  if (bundle) attempt(() => startBundle(bundle), 'the installed instrumentations do not start');
  const stopTracingRequests = bundle ? undefined : traceRequests(contexts);

  const coverages = aiSdk ? [...choices, aiSdk] : choices;
  announce(coverages);
  warnOfUnseen(coverages.filter(({ isOwn }) => isOwn));
  const stopExpectingSpans = warnIfNothingWasSeen(processor, coverages, loaded.names);
  const followTo = letTracersFollow(
    provider,
    choices.map(({ by }) => by),
  );
  const onProvider = (next: TracerProvider) => {
    hasGivenWay = true;
    followTo(next);
    stopTracingRequests?.();
  };
  giveWayToApp(processor, { onProvider, stopExpectingSpans, limits: options });
}

function sayIsRegistered(): void {
  if (findOwnProcessor(registeredProvider() ?? {})) return;
  say('a tracer provider is registered already; add a HumanloopSpanProcessor to that one');
}
