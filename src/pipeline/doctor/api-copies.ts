/**
 * Finds copies of `@opentelemetry/api` that cannot see what another copy has registered: a copy cannot read what an
 * older minor version has put on the global object. Copies of equal or older versions share everything.
 */
import { trace } from '@opentelemetry/api';
import { readPackageJson } from '../../host/app-package.ts';

const SHARED = Symbol.for('opentelemetry.js.api.1');
const API_ENTRY = /^(.*[\\/]node_modules[\\/]@opentelemetry[\\/]api)[\\/]build[\\/]src[\\/]index\.js$/;
const REMEDY = 'install one version of it (npm ls @opentelemetry/api shows who brings the others, npm dedupe may help)';

export function findApiConflict(): string | undefined {
  const shared = (globalThis as { [SHARED]?: { version?: string; trace?: object } })[SHARED];
  if (!shared?.version || !shared.trace) return undefined;
  const newer = loadedCopies().find(({ version }) => minorOf(version) > minorOf(shared.version));
  if (newer) {
    return (
      `two copies of @opentelemetry/api are loaded, and version ${newer.version} in ${newer.directory} does not see the ` +
      `tracer provider that version ${shared.version} has: ${REMEDY}`
    );
  }
  // In a bundle there are no files to find.
  if (trace.getTracerProvider() === shared.trace) return undefined;
  return `two copies of @opentelemetry/api are loaded, and the one here does not see the tracer provider: ${REMEDY}`;
}

function loadedCopies(): { directory: string; version: string }[] {
  const { createRequire } = globalThis.process?.getBuiltinModule?.('node:module') ?? {};
  if (!createRequire) return [];
  return Object.keys(createRequire(`${process.cwd()}/`).cache).flatMap((file) => {
    const directory = API_ENTRY.exec(file)?.[1];
    const version = directory && readPackageJson(directory)?.version;
    return directory && typeof version === 'string' ? [{ directory, version }] : [];
  });
}

function minorOf(version: string | undefined): number {
  return Number.parseInt(version?.split('.')[1] ?? '', 10);
}
