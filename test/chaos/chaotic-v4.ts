/**
 * A server that follows the rules of the API, behind a network that fails as a seed decides.
 *
 * The fault of a request depends on the seed, on its first reference and on how often it came, but not on the order in
 * which requests arrive: so a seed repeats its faults, although no two runs have the same timing.
 */
import { MisbehavingV4, type Misbehaviour, type ReceivedRequest } from '../support/misbehaving-v4.ts';
import { Random } from '../support/random.ts';
import type { V4RulesOptions } from '../support/v4-rules.ts';

const FAULTS: Readonly<Record<string, () => Misbehaviour>> = {
  resetBefore: () => ({ answer: 'reset' }),
  resetAfter: () => ({ stores: true, answer: 'reset' }),
  hangBefore: () => ({ answer: 'hang' }),
  hangAfter: () => ({ stores: true, answer: 'hang' }),
  retryAfterSeconds: () => ({ answer: { status: 429, headers: { 'retry-after': '1' } } }),
  retryAfterDate: () => {
    const date = new Date(Date.now() + 1_000).toUTCString();
    return { answer: { status: 429, headers: { 'retry-after': date } } };
  },
  '500Before': () => ({ answer: { status: 500, body: { detail: 'oops' } } }),
  '500After': () => ({ stores: true, answer: { status: 500, body: { detail: 'oops' } } }),
  badGateway: () => ({
    answer: { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway</html>' },
  }),
  unavailable: () => ({ answer: { status: 503 } }),
  dripForEver: () => ({ stores: true, answer: 'drip' }),
  slowBody: () => ({ stores: true, answer: 'slow' }),
  cutJson: () => ({ stores: true, answer: 'halfJson' }),
  html: () => ({ stores: true, answer: 'html' }),
  storesHalf: () => ({ stores: 'half', answer: 'reset' }),
};

const PATCH_WAIT_MILLIS = 15;

export interface ChaoticV4Options extends V4RulesOptions {
  readonly seed: number;
  /** Share of first attempts that fail. Each further attempt is half as likely to fail, the fifth never does. */
  readonly faultShare: number;
}

export class ChaoticV4 extends MisbehavingV4 {
  /** How often each fault came. */
  readonly faults: Record<string, number> = {};
  readonly #attempts = new Map<string, number>();
  readonly #seed: number;
  readonly #faultShare: number;

  constructor({ seed, faultShare, ...rules }: ChaoticV4Options) {
    super({ refuses: isPoison, ...rules, fault: (request) => this.#misbehave(request) });
    this.#seed = seed;
    this.#faultShare = faultShare;
  }

  #misbehave({ method, references }: ReceivedRequest): Misbehaviour {
    const name = this.#draw(`${method} ${references[0]}`);
    if (name) this.faults[name] = (this.faults[name] ?? 0) + 1;
    // Earlier requests on other connections are handled first, even if the machine is so busy that they are read later:
    // a log that is stored after the answer to its probe was 404 would be sent twice.
    return { ...(method === 'PATCH' && { waitMillis: PATCH_WAIT_MILLIS }), ...(name && FAULTS[name]?.()) };
  }

  #draw(key: string): string | undefined {
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    const random = new Random(`${this.#seed} ${key} ${attempt}`);
    if (attempt >= 5 || !random.chance(this.#faultShare / 2 ** (attempt - 1))) return undefined;
    const name = random.pick(Object.keys(FAULTS));
    // This pauses everything for a second, so it is rare.
    return name.startsWith('retryAfter') && random.chance(0.7) ? 'unavailable' : name;
  }
}

function isPoison({ metadata }: { metadata?: Record<string, unknown> | null | undefined }): boolean {
  return String(metadata?.['span_name']).startsWith('poison');
}
