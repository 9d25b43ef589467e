/** The tree of a session with its waterfall, in the same rows. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { hasModifier, isTyping, useKeyDown } from '../parts/keyboard.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import type { LogTree } from './log-tree.ts';
import { TreeRow } from './tree-row.tsx';
import { hasChildren, moveInTree, type TreeRow as Row, toRows, turnId } from './tree-rows.ts';

const ROW_HEIGHT = 30;
const CLOCK_MILLIS = 200;

interface TreeViewProps {
  readonly tree: LogTree;
  readonly selected: string | undefined;
  readonly compared: string | undefined;
  readonly onSelect: (log: string, options?: { replace: boolean }) => void;
}

export function TreeView({ tree, selected, compared, onSelect }: TreeViewProps) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  /** The row that the arrow keys have reached: a log or a turn, while only a log can be selected. */
  const [focused, setFocused] = useState<string | undefined>(selected);
  const rows = useMemo(() => toRows(tree, collapsed), [tree, collapsed]);
  const list = useRef<HTMLDivElement>(null);
  const nowSeconds = useNow(tree.turns.some(({ sums }) => sums.running > 0));

  const toggle = (id: string, isOpen = collapsed.has(id)) => {
    const next = new Set(collapsed);
    if (isOpen) next.delete(id);
    else next.add(id);
    setCollapsed(next);
  };

  // A link, or the compare pane, can name a log below a closed row.
  useLayoutEffect(() => {
    if (selected === undefined) return;
    setFocused(selected);
    const closed: string[] = [];
    const node = tree.byId.get(selected);
    for (let above = node?.parent; above; above = above.parent)
      if (collapsed.has(above.log.id)) closed.push(above.log.id);
    if (closed.length > 0) setCollapsed(new Set([...collapsed].filter((id) => !closed.includes(id))));
  }, [selected]);

  useKeyDown((event) => {
    if (hasModifier(event) || isTyping(event.target)) return;
    const target = event.target as HTMLElement;
    // The keys move in the tree, unless something else that they scroll or press has the focus.
    const isElsewhere = target.closest('.log-pane') || (target.closest('button, a') && !list.current?.contains(target));
    if (isElsewhere && target !== document.body) return;
    if (event.key === 'Enter' || event.key === ' ') {
      const row = rows.find(({ id }) => id === focused);
      if (row?.kind !== 'turn') return;
      event.preventDefault();
      toggle(row.id);
      return;
    }
    const move = moveInTree(rows, collapsed, focused, event.key);
    if (!move) return;
    event.preventDefault();
    if ('open' in move) toggle(move.open, true);
    else if ('close' in move) toggle(move.close, false);
    else choose(rows.find(({ id }) => id === move.select)!);
  });

  const choose = (row: Row) => {
    setFocused(row.id);
    if (row.kind === 'log') onSelect(row.id, { replace: selected !== undefined });
  };

  const at = rows.findIndex(({ id }) => id === focused);
  const hasTurns = tree.turns.length > 1;
  return (
    <section class="tree-pane" aria-label="Logs" ref={list}>
      <VirtualList
        class="tree scroll"
        role="tree"
        aria-label="Logs of the session"
        tabIndex={0}
        {...(at >= 0 && { 'aria-activedescendant': rowId(rows[at]!.id) })}
        items={rows}
        name="tree"
        rowHeight={ROW_HEIGHT}
        keyOf={({ id }) => id}
        activeIndex={at}
        renderRow={(row) => (
          <TreeRow
            key={row.id}
            elementId={rowId(row.id)}
            row={row}
            isOpen={hasChildren(row) ? !collapsed.has(row.id) : undefined}
            isSelected={row.id === selected}
            isFocused={row.id === focused}
            isCompared={row.id === compared}
            hasTurns={hasTurns}
            nowSeconds={nowSeconds}
            onSelect={() => (row.kind === 'turn' ? toggle(turnId(row.turn)) : choose(row))}
            onToggle={() => toggle(row.id)}
          />
        )}
      />
    </section>
  );
}

function rowId(id: string): string {
  return `row-${id.replaceAll(/[^\w-]/g, '_')}`;
}

/** The time in seconds since 1970; it advances only while something runs. */
function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    if (!isRunning) return undefined;
    setNow(Date.now() / 1000);
    const timer = setInterval(() => setNow(Date.now() / 1000), CLOCK_MILLIS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}
