/** Forms that a body may have: how its bytes are looked at while they arrive, and what they become. */
import { createPauses } from '../store/heavy-turns.ts';
import { parseElsewhere } from '../store/rows/json-thread.ts';
import { takeSteps } from '../store/steps.ts';
import { decodeUtf8 } from './bytes/decode-utf8.ts';
import { JsonPlaces } from './bytes/json-places.ts';
import { parseJsonInSteps } from './bytes/json-steps.ts';
import { JsonStructure } from './bytes/json-structure.ts';
import { HttpError, invalid } from './http-error.ts';

export interface BodyFormat {
  /** Default: the limit of all bodies. */
  readonly maxBytes?: number | undefined;
  readonly createCheck: () => BodyCheck;
  /**
   * What the bytes become, with what `check` knows of them. Throws an `HttpError` for bytes that are not of this form.
   * Default: they stay bytes.
   */
  readonly read?: (bytes: Buffer, check: BodyCheck) => unknown;
  /** Does the same with a large body: off this thread, or step by step if it is heavy. */
  readonly readLarge?: (pieces: readonly Buffer[], isHeavy: boolean) => Promise<unknown>;
}

export interface BodyCheck {
  /** Looks at the next piece. Returns why the body is refused. */
  read(chunk: Buffer): HttpError | undefined;
  /** Whether the body takes long to parse, so that it should wait its turn. */
  readonly isHeavy: boolean;
  /** Where its items and their fields are. */
  readonly places?: JsonPlaces | undefined;
}

/** As in `JsonStructure`. */
const SMALL_WEIGHT = 50_000;

interface JsonBodyOptions {
  /** Fields whose text `sourceOf` has afterwards, unless the body is large. Default: none. */
  readonly storedFields?: ReadonlySet<string>;
}

/** Parsed JSON; `undefined` where there is no body. */
export function jsonBody({ storedFields }: JsonBodyOptions = {}): BodyFormat {
  return {
    createCheck: () => new JsonCheck(undefined, storedFields && new JsonPlaces(storedFields)),
    read: parseJsonBody,
    readLarge: (pieces, isHeavy) =>
      (isHeavy ? takeSteps(parseJsonInSteps(Buffer.concat(pieces))) : parseElsewhere(pieces)).catch(rejectAsInvalid),
  };
}

/** The bytes of JSON. For those who read most of it without a tree, and parse the rest with `parseJsonBytes`. */
export function jsonBytes({ maxBytes, maxWeight }: { maxBytes: number; maxWeight: number }): BodyFormat {
  return { maxBytes, createCheck: () => new JsonCheck(maxWeight) };
}

/** Larger bodies are large ones: they are parsed and worked on one after the other. */
export const SMALL_BYTES = 1024 * 1024;

/** Returns what `jsonBody` makes of the bytes. */
export async function parseJsonBytes(bytes: Buffer): Promise<unknown> {
  const isHeavy = await isHeavyJson(bytes);
  if (bytes.length > SMALL_BYTES && !isHeavy) return parseElsewhere([bytes]).catch(rejectAsInvalid);
  if (isHeavy) return takeSteps(parseJsonInSteps(bytes)).catch(rejectAsInvalid);
  return parseJsonBody(bytes);
}

/** Looks no further than it has to, and at a part after the other: texts of many megabytes take long. */
async function isHeavyJson(bytes: Buffer): Promise<boolean> {
  const structure = new JsonStructure(SMALL_WEIGHT);
  const pause = createPauses();
  for (let at = 0; at < bytes.length; at += SMALL_BYTES) {
    if (structure.read(bytes.subarray(at, at + SMALL_BYTES))) return true;
    await pause();
  }
  return false;
}

/** The bytes themselves. Whoever decodes them has to bound what is in them. */
export function rawBody({ maxBytes }: { maxBytes: number }): BodyFormat {
  return { maxBytes, createCheck: () => UNCHECKED };
}

/** Nothing is known of the body. */
export const UNCHECKED: BodyCheck = { read: () => undefined, isHeavy: false };

class JsonCheck implements BodyCheck {
  readonly places: JsonPlaces | undefined;
  readonly #structure: JsonStructure;

  constructor(maxWeight: number | undefined, places?: JsonPlaces) {
    this.places = places;
    this.#structure = new JsonStructure(maxWeight, places);
  }

  get isHeavy(): boolean {
    return this.#structure.weight > SMALL_WEIGHT;
  }

  read(chunk: Buffer): HttpError | undefined {
    const fault = this.#structure.read(chunk);
    if (fault === undefined) return undefined;
    const why = this.#structure.explain(fault);
    // 413, as for too many bytes: the client can send the same in two requests.
    return fault === 'too deep' ? invalid(['body'], why) : new HttpError(413, why);
  }
}

function parseJsonBody(bytes: Buffer, check?: BodyCheck): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return check?.places ? check.places.parse(bytes) : JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    return rejectAsInvalid(error);
  }
}

function rejectAsInvalid(error: unknown): never {
  throw invalid(['body'], `invalid JSON: ${(error as Error).message}`, 'value_error.jsondecode');
}
