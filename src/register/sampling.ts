/** The sampler of `register`'s own provider. */
import { RECORDED_HERE } from '../otel/span-slice.ts';

type Constructor<Made> = new (...args: unknown[]) => Made;

/** `SamplingDecision.RECORD`. */
const RECORDED = { decision: 1, attributes: { [RECORDED_HERE]: true } };

interface Sampler {
  shouldSample(...args: unknown[]): unknown;
}

/** Returns true when the app has registered a provider of its own: active spans are its spans then. */
export type HasGivenWay = () => boolean;

/**
 * Returns the sampler that `OTEL_TRACES_SAMPLER` names. Undefined, the SDK's default, if it names one that only its vendor
 * has.
 */
export function createSampler(
  exports: Record<string, unknown>,
  hasGivenWay: HasGivenWay,
  env: NodeJS.ProcessEnv,
): object | undefined {
  const { AlwaysOnSampler, AlwaysOffSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = exports as Record<
    string,
    Constructor<Sampler>
  >;
  if (!AlwaysOnSampler || !AlwaysOffSampler || !ParentBasedSampler || !TraceIdRatioBasedSampler) return undefined;
  const variable = env['OTEL_TRACES_SAMPLER']?.trim() ?? '';
  const [on, off] = [new AlwaysOnSampler(), new AlwaysOffSampler()];
  if (variable === '') {
    // What the app's sampler drops is not meant to be missing here, and not meant to reach the app's exporters: spans below
    // that another provider creates see a parent that is not sampled. A caller in another process decides as it always does.
    const localParentNotSampled = {
      shouldSample: (...args: unknown[]) => (hasGivenWay() ? RECORDED : off.shouldSample(...args)),
      toString: () => String(off),
    };
    return new ParentBasedSampler({ root: on, localParentNotSampled });
  }
  const [, parentBased, name] = /^(parentbased_)?(\w+)$/.exec(variable) ?? [];
  const create = (): object | undefined => {
    if (name === 'always_on') return on;
    if (name === 'always_off') return off;
    if (name === 'traceidratio') return new TraceIdRatioBasedSampler(readRatio(env['OTEL_TRACES_SAMPLER_ARG']));
    return undefined;
  };
  const root = create();
  return root && parentBased ? new ParentBasedSampler({ root }) : root;
}

function readRatio(text: string | undefined): number {
  const ratio = text?.trim() ? Number(text) : 1;
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
