/** Finds out whether the app's propagator has this package's in it. No public method of a propagator says that. */
import { type Context, createContextKey, propagation, ROOT_CONTEXT } from '@opentelemetry/api';

const PROBE = createContextKey('humanloop-otel propagator probe');

interface Probe {
  isAnswered: boolean;
}

/** Returns true if the context is that of a probe, which has no request. */
export function answerProbe(context: Context): boolean {
  const probe = context.getValue(PROBE) as Probe | undefined;
  if (probe) probe.isAnswered = true;
  return probe !== undefined;
}

/** Whether `HumanloopPropagator` writes to the requests of this process. */
export function hasPropagator(): boolean {
  const probe: Probe = { isAnswered: false };
  propagation.inject(ROOT_CONTEXT.setValue(PROBE, probe), {});
  return probe.isAnswered;
}
