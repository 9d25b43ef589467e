/** Reports once that the disk fails, and once that it can be used again. */
import { diag } from '@opentelemetry/api';
import { warnAloud } from '../../host/stderr.ts';
import { Warnings } from '../../host/warnings.ts';

const TOPIC = 'disk';

export class DiskWarnings {
  readonly #warnings = new Warnings();
  readonly #isQuiet: boolean;

  constructor(isQuiet: boolean) {
    this.#isQuiet = isQuiet;
  }

  failed(error: Error): void {
    if (!this.#warnings.mayWarn(TOPIC)) return;
    warnAloud(TOPIC, `the spool cannot be used, going on in memory: ${error.message}`, this.#isQuiet);
  }

  worked(): void {
    if (!this.#warnings.isSuppressed(TOPIC)) return;
    this.#warnings.forget(TOPIC);
    diag.info('humanloop-otel: the spool can be used again');
  }
}
