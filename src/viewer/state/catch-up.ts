/** The reading that list and session share: they differ in what they read, not in when. */
import type { SessionChange } from '../../server/store/viewer-store.ts';
import { RequestError } from './api.ts';
import type { LiveSource } from './live-source.ts';

/** The version of what has never been read. */
export const NOTHING = -1;
const RETRY_MILLIS = 2_000;

/** Ids of the sessions to be read again; `null` for everything. */
export type Names = ReadonlySet<string> | null;

/**
 * Puts an answer in its place. Returns the version up to which everything is shown then, `NOTHING` to have it all read
 * again, or `undefined` where the version is what it was.
 */
export type Place = () => number | undefined;

interface CatchUpOptions {
  /** Whether a change of these sessions matters here. */
  readonly concerns: (sessions: readonly string[]) => boolean;
  /** How long to wait for more changes before these are read. */
  readonly gatherMillis: (names: Names) => number;
  /** Reads what has changed. `upTo` is the newest change among these. */
  readonly read: (names: Names, upTo: number) => Promise<Place>;
  /** Reading what has changed has failed. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Keeps what the page shows as it is on the server.
 *
 * - idle: until a change comes;
 * - gathering: changes that come close together are read together; then, if they are newer than what is shown:
 * - reading: one read at a time; changes that come meanwhile are gathered after it.
 *
 * After a failure nothing that was named is certain, so everything is read: with the next change, or by itself where the
 * failure may pass.
 */
export class CatchUp {
  readonly #source: Pick<LiveSource, 'subscribe' | 'clock'>;
  readonly #options: CatchUpOptions;
  #isOn = false;
  /** The change up to which everything is shown. */
  #version = NOTHING;
  #gathered: { names: Set<string> | null; upTo: number } | undefined;
  /** The read under way. An answer to any other comes too late. */
  #reading: object | undefined;
  #timer: { readonly atMillis: number; readonly cancel: () => void } | undefined;

  constructor(source: Pick<LiveSource, 'subscribe' | 'clock'>, options: CatchUpOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Follows the changes after `version`. Returns how to stop, after which no answer is put in place any more. */
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
    // Its end looks for what was gathered meanwhile.
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

/** What the server refuses it will refuse again: the key is wanted, or the session is not there. */
function mayPass(error: unknown): boolean {
  return !(error instanceof RequestError && error.status < 500);
}
