/** Runs the bench once more in other versions of Node, so that all of its processes are of that version. */
import { execFileSync, spawnSync } from 'node:child_process';

/**
 * @param names major versions, or paths of executables. A version that is not this one comes from the npm package `node`.
 * @returns the first exit code that is not 0.
 */
export function runInNodes(names: readonly string[], program: string, args: readonly string[]): number {
  for (const name of names) {
    const { status, error } = spawnSync(findNode(name), [program, ...args], { stdio: 'inherit' });
    if (error) throw error;
    if (status !== 0) return status ?? 1;
  }
  return 0;
}

function findNode(name: string): string {
  if (!/^\d+$/.test(name)) return name;
  if (process.versions.node.startsWith(`${name}.`)) return process.execPath;
  const print = ['node', '-p', 'process.execPath'];
  return execFileSync('npx', ['--yes', '--package', `node@${name}`, '--', ...print], { encoding: 'utf8' }).trim();
}
