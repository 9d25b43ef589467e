/** The store that the v4 API writes to: its logs find their places below spans that came by OTLP. */
import type { Store } from '../store/store.ts';
import type { LogPlacing } from './decoding/received.ts';

/** A log that cannot be placed now is stored all the same: `onError` is called. */
export function createPlacingStore(store: Store, placing: LogPlacing, onError: (error: unknown) => void): Store {
  return {
    ...store,
    createLogs: async (requests) => {
      const named = await placing.nameParents(requests).catch((error: unknown) => {
        onError(error);
        return requests;
      });
      const created = await store.createLogs(named);
      await placing.placeLogs(named).catch(onError);
      return created;
    },
  };
}
