/** When to read again: the part that the live list and the live session share. */
import type { SessionChange } from '../../server/store/viewer-store.ts';
import { RequestError } from './api.ts';
import type { LiveSource } from './live-source.ts';

/** The version of something that was never read: older than every change. */
export const NOTHING = -1;
const RETRY_MILLIS = 2_000;

/** Ids of the sessions that changed; `null` if everything may have changed. */
export type Names = ReadonlySet<string> | null;

/**
 * Takes over an answer, and shows it. Returns the version that is shown from then on, `NOTHING` to have everything read
 * again, or `undefined` if the version stays the same.
 */
export type Place = () => number | undefined;

interface CatchUpOptions {
  /** Whether a change of these sessions has to be read. */
  readonly concerns: (sessions: readonly string[]) => boolean;
  /** How long to wait for more changes before reading these. */
  readonly gatherMillis: (names: Names) => number;
  /** Reads what has changed, up to the version `upTo` at least. */
  readonly read: (names: Names, upTo: number) => Promise<Place>;
  /** Called when `read` has failed. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Reads again what has changed on the server.
 *
 * - Idle, until a change is reported.
 * - Gathering: changes that come close together are read together. Afterwards, if one is newer than what is shown:
 * - Reading, one read at a time. Changes that are reported meanwhile are gathered after it.
 *
 * When a read of changes fails, it is no longer known which sessions are up to date, so the next one reads everything:
 * with the next change, or after `RETRY_MILLIS` if the failure may be temporary.
 */
export class CatchUp {
  readonly #source: Pick<LiveSource, 'subscribe' | 'clock'>;
  readonly #options: CatchUpOptions;
  #isOn = false;
  /** Version of what is shown: it includes every change up to this one. */
  #version = NOTHING;
  #gathered: { names: Set<string> | null; upTo: number } | undefined;
  /** The read that is under way. The answer to any other has come too late. */
  #reading: object | undefined;
  #timer: { readonly atMillis: number; readonly cancel: () => void } | undefined;

  constructor(source: Pick<LiveSource, 'subscribe' | 'clock'>, options: CatchUpOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Follows the changes after `version`. Returns how to stop; answers that come after that are ignored. */
  start(version = NOTHING): () => void {
    this.#isOn = true;
    this.#version = version;
    const unsubscribe = this.#source.subscribe((change) => this.#gather(change));
    return () => {
      this.#isOn = false;
      this.#reading = undefined;
      this.#timer?.cancel();
      unsubscribe();
    };
  }

  /** Reads at once. Does nothing while another read is under way. */
  run(read: () => Promise<Place>, onFailure: (error: Error) => void): void {
    if (this.#isOn && !this.#reading) void this.#read(read, onFailure);
  }

  #gather({ sessions, version }: SessionChange): void {
    if (sessions !== null && !this.#options.concerns(sessions)) return;
    this.#gathered ??= { names: new Set(), upTo: version };
    this.#gathered.upTo = version;
    if (sessions === null) this.#gathered.names = null;
    else for (const id of sessions) this.#gathered.names?.add(id);
    this.#wait(this.#options.gatherMillis(this.#gathered.names));
  }

  #wait(millis: number): void {
    const atMillis = this.#source.clock.now() + millis;
    if (this.#timer && this.#timer.atMillis <= atMillis) return;
    this.#timer?.cancel();
    const cancel = this.#source.clock.after(millis, () => {
      this.#timer = undefined;
      this.#readGathered();
    });
    this.#timer = { atMillis, cancel };
  }

  #readGathered(): void {
    // When it ends, it looks at what has been gathered.
    if (this.#reading) return;
    const gathered = this.#gathered;
    this.#gathered = undefined;
    const upTo = gathered?.upTo ?? NOTHING;
    if (this.#version !== NOTHING && upTo <= this.#version) return;
    const names = this.#version === NOTHING ? null : gathered!.names;
    void this.#read(
      () => this.#options.read(names, upTo),
      (error) => {
        this.#version = NOTHING;
        this.#options.onFailure(error);
      },
    );
  }

  async #read(read: () => Promise<Place>, onFailure: (error: Error) => void): Promise<void> {
    const mine = {};
    this.#reading = mine;
    let place: Place | undefined;
    let failure: unknown;
    try {
      place = await read();
    } catch (error) {
      failure = error;
    }
    if (this.#reading !== mine) return;
    this.#reading = undefined;
    if (place) this.#version = place() ?? this.#version;
    else onFailure(failure as Error);
    if (this.#gathered) this.#wait(this.#options.gatherMillis(this.#gathered.names));
    else if (!place && mayPass(failure)) this.#wait(RETRY_MILLIS);
    else if (place && this.#version === NOTHING) this.#wait(this.#options.gatherMillis(null));
  }
}

/** A 4xx answer would be the same again: the API key is missing, or there is no such session. */
function mayPass(error: unknown): boolean {
  return !(error instanceof RequestError && error.status < 500);
}
