/**
 * Names an instance in metrics, by the attributes of OpenTelemetry's conventions for the metrics of SDK components. A
 * component that is not one of the SDK's own has the name of its class as its type.
 */
import type { Attributes } from '@opentelemetry/api';

export type ComponentType = 'HumanloopSpanProcessor' | 'HumanloopSpanExporter';

export interface Component {
  readonly attributes: Attributes;
  /** The same with the server that the component sends to. */
  readonly attributesWithServer: Attributes;
}

/**
 * Kept on the global object, which is all that copies of the package share, such as its ES module and its CommonJS half:
 * two instances with the same name would overwrite each other's metrics.
 */
const INSTANCE_COUNTS = Symbol.for('humanloop-otel component counts');
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Returns the next instance of its type: `HumanloopSpanProcessor/0`, then `…/1`. `baseUrl` must be a valid address. */
export function nameComponent(type: ComponentType, baseUrl: string): Component {
  const attributes = { 'otel.component.type': type, 'otel.component.name': `${type}/${countInstance(type)}` };
  const { hostname, port, protocol } = new URL(baseUrl);
  const server = {
    // URLs have brackets around IPv6 addresses, the attribute has none.
    'server.address': hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': port ? Number(port) : DEFAULT_PORTS[protocol],
  };
  return { attributes, attributesWithServer: { ...attributes, ...server } };
}

/** Returns the number of instances of this type before this one. */
function countInstance(type: ComponentType): number {
  const shared = globalThis as { [INSTANCE_COUNTS]?: Map<ComponentType, number> };
  shared[INSTANCE_COUNTS] ??= new Map();
  const count = shared[INSTANCE_COUNTS].get(type) ?? 0;
  shared[INSTANCE_COUNTS].set(type, count + 1);
  return count;
}
