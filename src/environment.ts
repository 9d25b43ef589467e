/** Environment variables: one for each option that is a single value, and those of OpenTelemetry that name the app. */
import { checkError, type OptionCheck } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false };

/** Returns the variable of an option: `HUMANLOOP_BATCH_MAX_ITEMS` for `batch.maxItems`. */
export function variableOf(option: string): string {
  return `HUMANLOOP_${option.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase()}`;
}

/**
 * Returns the value of an option's variable. An empty variable counts as unset, as everywhere in OpenTelemetry.
 *
 * @throws {HumanloopError} if the value is not valid.
 */
export function readVariable(env: Environment, option: string, check: OptionCheck): unknown {
  const name = variableOf(option);
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  // The check tells which of these the option is.
  const value = [text, Number(text), BOOLEANS[text]].find(check[1]);
  if (value === undefined) throw checkError(name, check, text, 'environment variable');
  return value;
}

/** Returns the name of the service as OpenTelemetry's variables have it. SDKs read them into the resource, or do not. */
export function readServiceName(env: Environment): string | undefined {
  return env['OTEL_SERVICE_NAME']?.trim() || readResourceAttributes(env)['service.name'] || undefined;
}

/** Returns the pairs of `OTEL_RESOURCE_ATTRIBUTES`, decoded. A pair that is malformed is left out. */
export function readResourceAttributes(env: Environment): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of env['OTEL_RESOURCE_ATTRIBUTES']?.split(',') ?? []) {
    const [key, value] = pair.split('=', 2).map((part) => decode(part.trim()));
    if (key && value !== undefined) attributes[key] = value;
  }
  return attributes;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
