/**
 * Whether requests go through the proxy of `HTTP_PROXY` and `HTTPS_PROXY`: as in Node, only if the process is told to use
 * these variables.
 */
import { isLoopback } from '../address.ts';

const VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/** Returns the name of the variable that would be used; undefined if none is set. */
export function nameOfProxy(): string | undefined {
  return VARIABLES.find((name) => globalThis.process?.env[name]);
}

/** Node 24 has the variable and the flag; here they work in all versions. */
export function isProxied(baseUrl: string): boolean {
  const { env = {}, execArgv = [] } = globalThis.process ?? {};
  const isAsked =
    env['NODE_USE_ENV_PROXY'] === '1' || [...execArgv, env['NODE_OPTIONS']].join(' ').includes('--use-env-proxy');
  return isAsked && !isLoopback(baseUrl) && nameOfProxy() !== undefined;
}
