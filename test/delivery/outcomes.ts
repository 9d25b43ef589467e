/** Outcomes of a request, as a transport returns them. */
import type { Shipment } from '../../src/delivery/sender.ts';
import type { TransportOutcome } from '../../src/transport/transport.ts';

export function answered(status: number, body: unknown = {}, headers: Record<string, string> = {}): TransportOutcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answered', status, headers, text, truncated: false, roundTripTime: 1 };
}

export const LOST: TransportOutcome = { kind: 'lost', cause: new Error('reset'), roundTripTime: 1 };
export const UNSENT: TransportOutcome = { kind: 'unsent', cause: new Error('refused'), roundTripTime: 1 };

/** Applies an outcome as the sender does. */
export function answer(shipment: Shipment | undefined, outcome: TransportOutcome): void {
  shipment?.apply(shipment.judge(outcome));
}

export function bodyOf(shipment: Shipment | undefined): unknown {
  return JSON.parse(Buffer.from(shipment?.request.body ?? []).toString());
}
