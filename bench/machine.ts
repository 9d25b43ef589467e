/** What is known about the machine that the figures are from. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const PACKAGES = [
  '@opentelemetry/exporter-trace-otlp-http',
  '@langfuse/otel',
  '@opentelemetry/sdk-trace-base',
  'undici',
];
const WATCHED_MILLIS = 1_000;

export function describeMachine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const versions = PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return `${cpus().length} × ${cpu?.model.trim() || 'unknown processor'}, ${gigabytes} GB, ${process.platform} ${process.arch}; ${versions}.`;
}

/** Returns the share of all cores that other programs take: watches them for a second, in which the bench waits. */
export async function busyShare(): Promise<number> {
  const before = cpuTimes();
  await sleep(WATCHED_MILLIS);
  const after = cpuTimes();
  const idle = after.idle - before.idle;
  return 1 - idle / (after.all - before.all);
}

function cpuTimes(): { idle: number; all: number } {
  const times = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    idle,
    all: user + nice + sys + idle + irq,
  }));
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.map(({ all }) => all)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
