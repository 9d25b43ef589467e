/** The app's OpenTelemetry SDK, version 1, 2 or 3, and what its environment variables say. */
import type { TracerProvider } from '@opentelemetry/api';
import { readResourceAttributes, readServiceName } from '../environment.ts';
import type { HumanloopSpanProcessor } from '../processors/span-processor.ts';
import { type App, findFrom, type InstalledPackage } from './app.ts';
import { BUNDLE } from './catalog.ts';
import { createPropagators, type Propagators } from './propagators.ts';
import { createSampler, type HasGivenWay } from './sampling.ts';

export interface InstalledSdk {
  /** Name and version, to show. */
  readonly description: string;
  createProvider(processor: HumanloopSpanProcessor, hasGivenWay: HasGivenWay): TracerProvider;
  createPropagators(processor: HumanloopSpanProcessor): Propagators;
}

/** Each SDK exports one of the classes in `PROVIDERS`; the name depends on its major version. */
const SDKS = ['@opentelemetry/sdk-trace-node', '@opentelemetry/sdk-trace', '@opentelemetry/sdk-trace-base'];
const SDK_NODE = '@opentelemetry/sdk-node';
const PROVIDERS = ['NodeTracerProvider', 'TracerProvider', 'BasicTracerProvider'];

type Constructor<Made> = new (...args: unknown[]) => Made;
type Exports = Record<string, unknown>;

/** @throws whatever an installed but broken package throws. */
export function findSdk(app: App): InstalledSdk | undefined {
  const bundle = app.find(BUNDLE);
  const sdkNode = app.find(SDK_NODE) ?? (bundle && findFrom(bundle.require, SDK_NODE));
  for (const name of SDKS) {
    const found = app.find(name) ?? (sdkNode && findFrom(sdkNode.require, name));
    const exports = found?.load();
    const Provider = PROVIDERS.map((provider) => exports?.[provider]).find(Boolean) as Constructor<TracerProvider>;
    if (!found || !exports || !Provider) continue;
    // Strict package managers let a package see only what it depends on itself.
    const based = [findFrom(found.require, '@opentelemetry/sdk-trace-base') ?? []].flat();
    return {
      description: `${found.name} ${found.version}`,
      createProvider: (processor, hasGivenWay) => {
        const resource = createResource(findIn([found, ...based], '@opentelemetry/resources'));
        return new Provider({ spanProcessors: [processor], ...resource, ...readConfig(exports, hasGivenWay) });
      },
      createPropagators: (processor) => {
        const search = [found, ...based, ...(sdkNode ? [sdkNode] : [])];
        return createPropagators((name) => findIn(search, name) ?? app.find(name), processor);
      },
    };
  }
  return undefined;
}

/** Returns the package that one of the others sees. */
function findIn(search: readonly InstalledPackage[], name: string): InstalledPackage | undefined {
  return search.map(({ require }) => findFrom(require, name)).find(Boolean);
}

/** No version's provider reads these variables. What the variables do not say is left to the SDK. */
function createResource(resources: InstalledPackage | undefined, env = process.env): { resource?: object } {
  const name = readServiceName(env);
  const attributes = { ...readResourceAttributes(env), ...(name && { 'service.name': name }) };
  const { defaultResource, resourceFromAttributes, Resource } = (resources?.load() ?? {}) as {
    defaultResource?: () => { merge(other: object): object };
    resourceFromAttributes?: (attributes: object) => object;
    Resource?: new (attributes: object) => object;
  };
  if (defaultResource && resourceFromAttributes) {
    return { resource: defaultResource().merge(resourceFromAttributes(attributes)) };
  }
  return Resource ? { resource: new Resource(attributes) } : {};
}

/** Versions 1 and 2 read these variables themselves; what is given here says the same, where one is set. */
function readConfig(exports: Exports, hasGivenWay: HasGivenWay, env: NodeJS.ProcessEnv = process.env): object {
  const sampler = createSampler(exports, hasGivenWay, env);
  return { ...(sampler && { sampler }), spanLimits: readSpanLimits(env) };
}

/** SDK option → variables, the most specific first. */
const SPAN_LIMITS = {
  attributeValueLengthLimit: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
  attributeCountLimit: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  eventCountLimit: ['OTEL_SPAN_EVENT_COUNT_LIMIT'],
  linkCountLimit: ['OTEL_SPAN_LINK_COUNT_LIMIT'],
  attributePerEventCountLimit: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'],
  attributePerLinkCountLimit: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'],
} as const;

/**
 * A long conversation has more than the 128 attributes that SDKs keep by default, since some instrumentations write
 * several for each message.
 */
const ATTRIBUTE_COUNT = 4096;

function readSpanLimits(env: NodeJS.ProcessEnv): Record<string, number> {
  const limits: Record<string, number> = { attributeCountLimit: ATTRIBUTE_COUNT };
  for (const [option, names] of Object.entries(SPAN_LIMITS)) {
    const value = names.map((name) => env[name]?.trim()).find((text) => text && /^\d+$/.test(text));
    if (value !== undefined) limits[option] = Number(value);
  }
  return limits;
}
