/** Switches on the telemetry of the Vercel AI SDK, which is off by default. */
import { type Tracer, trace } from '@opentelemetry/api';
import { attempt } from './announce.ts';
import type { App, InstalledPackage } from './app.ts';
import { isInRange } from './catalog.ts';
import type { Coverage } from './coverage.ts';

const INTEGRATION = '@ai-sdk/otel';

interface Shared {
  AI_SDK_TELEMETRY_INTEGRATIONS?: object[];
}

/**
 * Versions 5 and 6 ask for an option of each call, which `handover.ts` sets. Version 7 has integrations: the one for
 * OpenTelemetry is registered, unless the app does that itself. Returns undefined if the app does not have the SDK.
 */
export function switchOnAiSdk(app: App): Coverage | undefined {
  const found = app.find('ai');
  if (!found) return undefined;
  const { name, version } = found;
  const base = { name, version, isOwn: app.dependsOn(name), by: undefined, advice: undefined };
  if (isInRange(version, { from: '5.0', to: '7.0' })) return { ...base, by: name };
  if (isInRange(version, { to: '5.0' })) {
    return { ...base, advice: 'pass experimental_telemetry: { isEnabled: true } to its functions' };
  }
  const integration = app.find(INTEGRATION);
  if (!integration) return { ...base, advice: `npm install ${INTEGRATION}` };
  const isAdded = attempt(() => addIntegration(integration), `${INTEGRATION} does not start`);
  return isAdded ? { ...base, by: INTEGRATION } : { ...base, advice: 'see the line above' };
}

/** All copies of the SDK share the list. If the app adds an integration of the same class, this one gives way. */
function addIntegration(integration: InstalledPackage): boolean {
  const { OpenTelemetry } = integration.load() as { OpenTelemetry: new (options: { tracer: Tracer }) => object };
  const shared = globalThis as Shared;
  shared.AI_SDK_TELEMETRY_INTEGRATIONS ??= [];
  const list = shared.AI_SDK_TELEMETRY_INTEGRATIONS;
  const own = new OpenTelemetry({ tracer: trace.getTracer('ai') });
  const isAlike = (other: object) => other?.constructor?.name === own.constructor.name;
  list.push(own);
  const push = (...added: object[]): number => {
    const index = list.indexOf(own);
    if (index >= 0 && added.some(isAlike)) list.splice(index, 1);
    return Array.prototype.push.apply(list, added);
  };
  Object.defineProperty(list, 'push', { configurable: true, writable: true, value: push });
  return true;
}
