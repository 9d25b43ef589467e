/** Reports once that the disk fails, and once that it can be used again. */
import { diag } from '@opentelemetry/api';
import { Warnings } from '../../host/warnings.ts';

const TOPIC = 'disk';

export class DiskWarnings {
  readonly #warnings = new Warnings();

  failed(error: Error): void {
    this.#warnings.warn(TOPIC, 'the spool cannot be used, going on in memory', error);
  }

  worked(): void {
    if (!this.#warnings.isSuppressed(TOPIC)) return;
    this.#warnings.forget(TOPIC);
    diag.info('humanloop-otel: the spool can be used again');
  }
}
