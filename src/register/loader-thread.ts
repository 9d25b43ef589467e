/** The hooks of `module-hooks.ts` for versions of Node that run them in a thread of their own. */
import { addToModule, type LoadedModule, type Watched } from './handover.ts';

let watched: Watched = {};

export function initialize(data: Watched): void {
  watched = data;
}

type Load = (url: string, context: object) => Promise<LoadedModule>;

export async function load(url: string, context: object, next: Load): Promise<LoadedModule> {
  return addToModule(url, await next(url, context), watched);
}
