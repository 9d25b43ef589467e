import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { log } from '../sample-log.ts';

interface Step {
  readonly referenceId: number;
  readonly parent: number | undefined;
  /** Logged again, as a retry would. */
  readonly again: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ referenceId: fc.nat(8), parent: fc.option(fc.nat(8), { nil: undefined }), again: fc.boolean() }),
  { maxLength: 25 },
);

/**
 * The rules in their plainest form: the first parent that a log names is its parent, as soon as both are there, unless
 * the link would close a cycle.
 */
class Model {
  readonly named = new Map<number, number | undefined>();
  readonly parents = new Map<number, number>();

  log({ referenceId, parent }: Step): void {
    const isNew = !this.named.has(referenceId);
    if (isNew || this.named.get(referenceId) === undefined) {
      this.named.set(referenceId, parent);
      if (parent !== undefined && this.named.has(parent)) this.#link(referenceId, parent);
    }
    if (!isNew) return;
    for (const [child, name] of this.named) {
      if (name === referenceId && !this.parents.has(child)) this.#link(child, referenceId);
    }
  }

  #link(child: number, parent: number): void {
    for (let each: number | undefined = parent; each !== undefined; each = this.parents.get(each)) {
      if (each === child) return;
    }
    this.parents.set(child, parent);
  }
}

test('whatever the order of requests and retries, the links are those of the model, and never a cycle', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const store = await openSqliteStore({ file: ':memory:' });
      try {
        const model = new Model();
        const ids = new Map<number, string>();
        for (const step of sequence) {
          const request = log({
            reference_id: `r${step.referenceId}`,
            ...(step.parent !== undefined && { parent_reference_id: `r${step.parent}` }),
          });
          for (let times = step.again ? 2 : 1; times > 0; times -= 1) {
            const [created] = await store.createLogs([request]);
            const known = ids.get(step.referenceId);
            if (known !== undefined) expect(created!.id).toBe(known);
            ids.set(step.referenceId, created!.id);
            model.log(step);
          }
        }
        for (const [referenceId, id] of ids) {
          const stored = (await store.getLog(id))!;
          const parent = model.parents.get(referenceId);
          expect(stored.parent_id).toBe(parent === undefined ? undefined : ids.get(parent));
          const named = model.named.get(referenceId);
          expect(stored.parent_reference_id).toBe(named === undefined ? undefined : `r${named}`);
        }
      } finally {
        await store.close();
      }
    }),
    { numRuns: 200 },
  );
});
