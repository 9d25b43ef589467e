/** Above the tree: ways to what a reader looks for in many logs. */
import { formatCount, toVisibleText } from '../parts/format.ts';

interface TreeToolsProps {
  readonly types: readonly string[];
  readonly type: string | undefined;
  readonly errors: number;
  readonly hasTurns: boolean;
  readonly hasOneScale: boolean;
  readonly onType: (type: string | undefined) => void;
  readonly onSlowest: () => void;
  readonly onNextError: () => void;
  readonly onScale: (hasOneScale: boolean) => void;
}

export function TreeTools(props: TreeToolsProps) {
  const { types, type, errors, hasTurns, hasOneScale } = props;
  return (
    <div class="tree-tools" role="group" aria-label="Find in the tree">
      {(types.length > 1 || type !== undefined) && (
        <span class={type === undefined ? 'choice' : 'choice is-on'}>
          <label for="tree-type">type</label>
          <select
            id="tree-type"
            value={type ?? ''}
            onChange={(event) => props.onType(event.currentTarget.value || undefined)}
          >
            <option value="">All</option>
            {types.map((name) => (
              <option key={name} value={name}>
                {toVisibleText(name)}
              </option>
            ))}
          </select>
        </span>
      )}
      <button type="button" class="small" aria-keyshortcuts="s" title="Slowest log (s)" onClick={props.onSlowest}>
        Slowest
      </button>
      {errors > 0 && (
        <button type="button" class="small" aria-keyshortcuts="n" title="Next error (n)" onClick={props.onNextError}>
          Next error <span class="error-text">{formatCount(errors)}</span>
        </button>
      )}
      {hasTurns && (
        <label class="toggle">
          <input
            type="checkbox"
            checked={hasOneScale}
            onChange={(event) => props.onScale(event.currentTarget.checked)}
          />
          One scale
        </label>
      )}
    </div>
  );
}
