/** Components have the names and the server that the semantic conventions ask for. */
import { expect, test, vi } from 'vitest';
import { nameComponent } from '../../src/telemetry/component.ts';

test.each([
  ['http://127.0.0.1:4340/v4', '127.0.0.1', 4340],
  ['https://logs.example.com/v4', 'logs.example.com', 443],
  ['http://logs.example.com', 'logs.example.com', 80],
  ['http://[::1]:4340/v4', '::1', 4340],
])('the server of %s', (baseUrl, address, port) => {
  const { attributes, attributesWithServer } = nameComponent('HumanloopSpanProcessor', baseUrl);
  expect(attributesWithServer).toEqual({ ...attributes, 'server.address': address, 'server.port': port });
});

test('instances of a type are numbered, also across copies of the package', async () => {
  vi.resetModules();
  const other = await import('../../src/telemetry/component.ts');
  const names = [nameComponent, other.nameComponent, nameComponent].map(
    (name) => name('HumanloopSpanExporter', 'http://localhost').attributes['otel.component.name'],
  );
  expect(other.nameComponent).not.toBe(nameComponent);
  expect(names).toEqual([0, 1, 2].map((number) => `HumanloopSpanExporter/${number}`));
});
