/** Lists what is installed for the app, and which LLM packages `register` will see. */
import { switchOnAiSdk } from '../register/ai-sdk.ts';
import type { App } from '../register/app.ts';
import { BUNDLE } from '../register/catalog.ts';
import type { Coverage } from '../register/coverage.ts';
import { chooseInstrumentations } from '../register/instrumentations.ts';
import { findSdk } from '../register/sdk.ts';

const OPENTELEMETRY = ['@opentelemetry/api', '@opentelemetry/sdk-node', BUNDLE];

export interface Inventory {
  readonly lines: readonly string[];
  /** Why calls will not be seen. Empty if all are. */
  readonly faults: readonly string[];
}

export function takeInventory(app: App): Inventory {
  const sdk = findSdk(app);
  const found = OPENTELEMETRY.map((name) => app.find(name)).filter((one) => one !== undefined);
  const names = [...new Set([sdk?.description, ...found.map(({ name, version }) => `${name} ${version}`)])];
  const aiSdk = switchOnAiSdk(app);
  const coverages: Coverage[] = [...chooseInstrumentations(app), ...(aiSdk ? [aiSdk] : [])];
  const faults = coverages.filter(({ isOwn, by }) => isOwn && by === undefined).map(explain);
  if (!sdk) faults.unshift('no OpenTelemetry SDK is installed: npm install @opentelemetry/sdk-trace-node');
  return {
    lines: [
      `Node           ${process.versions.node}`,
      `OpenTelemetry  ${names.filter(Boolean).join(', ') || 'not installed'}`,
      `LLM packages   ${coverages.length === 0 ? 'none that register knows; spans that the app creates are seen' : ''}`.trimEnd(),
      ...coverages.map(
        (coverage) => `  ${coverage.by === undefined ? `✗ ${explain(coverage)}` : `✓ ${describe(coverage)}`}`,
      ),
    ],
    faults,
  };
}

function explain({ name, version, advice }: Coverage): string {
  return `${name} ${version}: nothing sees its calls: ${advice}`;
}

function describe({ name, version, by }: Coverage): string {
  const versioned = `${name} ${version}`.trimEnd();
  return by === name ? `${versioned}: creates its spans itself` : `${versioned}: seen by ${by}`;
}
