/** The tree of a session with its waterfall, in the same rows. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { hasModifier, isTyping, useKeyDown } from '../parts/keyboard.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import type { LogNode, LogTree } from './log-tree.ts';
import { TreeRow } from './tree-row.tsx';
import {
  failedOf,
  hasChildren,
  isSingle,
  moveInTree,
  nextOf,
  type TreeRow as Row,
  slowestFirst,
  toRows,
  turnId,
} from './tree-rows.ts';
import { TreeTools } from './tree-tools.tsx';

const ROW_HEIGHT = 30;
const CLOCK_MILLIS = 200;
/** With fewer logs everything is on the screen anyway. */
const MANY_LOGS = 4;
const SAME_KEYS: Readonly<Record<string, string>> = { j: 'ArrowDown', k: 'ArrowUp' };

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
  const [type, setType] = useState<string>();
  const [hasOneScale, setHasOneScale] = useState(false);
  const rows = useMemo(() => toRows(tree, collapsed, type), [tree, collapsed, type]);
  const types = useMemo(() => [...new Set([...tree.byId.values()].map(({ label }) => label.type))].sort(), [tree]);
  const failed = useMemo(() => failedOf(tree), [tree]);
  const longest = useMemo(() => Math.max(0, ...tree.turns.map(({ start, end }) => end - start)), [tree]);
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
    if (node && type !== undefined && node.label.type !== type) setType(undefined);
    const turn = tree.turns.find(({ roots }) => roots.includes(topOf(node)!));
    if (turn && collapsed.has(turnId(turn))) closed.push(turnId(turn));
    for (let above = node?.parent; above; above = above.parent)
      if (collapsed.has(above.log.id)) closed.push(above.log.id);
    if (closed.length > 0) setCollapsed(new Set([...collapsed].filter((id) => !closed.includes(id))));
  }, [selected]);

  // Otherwise the focus stays with the body, and a screen reader has nothing to say.
  useLayoutEffect(() => {
    if (document.activeElement !== document.body) return;
    const element = list.current!.querySelector<HTMLElement>('[role="tree"]')!;
    element.dataset['quiet'] = '';
    element.focus({ preventScroll: true });
    const show = () => delete element.dataset['quiet'];
    for (const event of ['keydown', 'blur']) element.addEventListener(event, show, { once: true });
  }, []);

  /** From there the next slowest is wanted; from anywhere else the slowest. */
  const lastSlow = useRef<string>(undefined);
  const jumpToSlowest = () => {
    const node = nextOf(slowestFirst(tree), selected === lastSlow.current ? selected : undefined);
    lastSlow.current = node?.log.id;
    jumpTo(node);
  };
  const jumpTo = (node: LogNode | undefined) => {
    if (node) onSelect(node.log.id, { replace: selected !== undefined });
  };

  useKeyDown((event) => {
    if (hasModifier(event) || isTyping(event.target)) return;
    if (event.key === 'n') return jumpTo(nextOf(failed, selected));
    if (event.key === 's') return jumpToSlowest();
    const key = SAME_KEYS[event.key] ?? event.key;
    const target = event.target as HTMLElement;
    // The keys move in the tree, unless something else that they scroll or press has the focus.
    const isElsewhere = target.closest('.log-pane') || (target.closest('button, a') && !list.current?.contains(target));
    if (isElsewhere && target !== document.body && key === event.key) return;
    if (event.key === 'Enter' || event.key === ' ') {
      const row = rows.find(({ id }) => id === focused);
      if (row?.kind !== 'turn') return;
      event.preventDefault();
      toggle(row.id);
      return;
    }
    const move = moveInTree(rows, collapsed, focused, key);
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
      {tree.byId.size >= MANY_LOGS && (
        <TreeTools
          types={types}
          type={type}
          errors={failed.length}
          hasTurns={hasTurns}
          hasOneScale={hasOneScale}
          onType={setType}
          onSlowest={jumpToSlowest}
          onNextError={() => jumpTo(nextOf(failed, selected))}
          onScale={setHasOneScale}
        />
      )}
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
            isOpen={hasChildren(row) ? type !== undefined || !collapsed.has(row.id) : undefined}
            scaleSeconds={hasOneScale || isSingle(row.turn) ? longest : 0}
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

function topOf(node: LogNode | undefined): LogNode | undefined {
  let top = node;
  while (top?.parent) top = top.parent;
  return top;
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
