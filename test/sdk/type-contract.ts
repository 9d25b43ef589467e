/** Checks that the published type declarations of the classes fit the interfaces of an SDK. */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type AppOptions, createApp, runApp } from '../support/installed-app.ts';

const COMPILER = resolve('node_modules/typescript/bin/tsc');
const FLAGS = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
const NODE_TYPES = ['--types', 'node', '--typeRoots', resolve('node_modules/@types')];

/** The first package has the interfaces. */
export function testTypes(packages: readonly string[], options: AppOptions = {}): void {
  test('the classes fit the interfaces of the SDK', async () => {
    const source = `
      import type { SpanExporter, SpanProcessor } from '${packages[0]}';
      import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
      export const processor: SpanProcessor = new HumanloopSpanProcessor();
      export const exporter: SpanExporter = new HumanloopSpanExporter();
      // @ts-expect-error: the types are compared, they are not any.
      export const wrong: SpanProcessor = new HumanloopSpanExporter();`;
    const app = await createApp({ ...options, packages, files: { 'app.mts': source }, isTyped: true });
    const result = await runApp(app, [COMPILER, ...FLAGS, ...NODE_TYPES, 'app.mts']);
    expect(result).toMatchObject({ code: 0, stdout: '' });
  });
}
