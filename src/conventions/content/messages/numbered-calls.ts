/** Calls of one turn whose source gives them no id, so that they were numbered, and that have no result yet. */
export class NumberedCalls {
  /** Tool names by id. */
  readonly #tools = new Map<string, string>();
  readonly #idsByTool = new Map<string, Set<string>>();
  /** Vertex AI names results by tool and place: `snow_0`, `snow_1`. */
  readonly #idsByPlace = new Map<string, string>();

  add(id: string, tool: string): void {
    this.#idsByPlace.set(`${tool}_${this.#idsByPlace.size}`, id);
    this.#tools.set(id, tool);
    const ids = this.#idsByTool.get(tool);
    if (ids) ids.add(id);
    else this.#idsByTool.set(tool, new Set([id]));
  }

  delete(id: string): void {
    const tool = this.#tools.get(id);
    if (tool === undefined) return;
    this.#tools.delete(id);
    this.#idsByTool.get(tool)?.delete(id);
  }

  clear(): void {
    if (this.#idsByPlace.size === 0) return;
    this.#tools.clear();
    this.#idsByTool.clear();
    this.#idsByPlace.clear();
  }

  /**
   * Returns the id of the call that a result with an id of its own answers: the call at the place that the id names, or the
   * only one of this tool, or of any if it is undefined. Undefined if that is not certain.
   */
  answeredBy(resultId: string, tool: string | undefined): string | undefined {
    const placed = this.#idsByPlace.get(resultId);
    if (placed !== undefined && this.#tools.has(placed)) return placed;
    const ids = tool === undefined ? this.#tools : this.#idsByTool.get(tool);
    if (ids?.size !== 1) return undefined;
    const [id] = ids.keys();
    return id;
  }
}
