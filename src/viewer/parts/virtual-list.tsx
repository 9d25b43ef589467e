/**
 * A list of rows of the same height, of which only those on the screen exist. `rowHeight` must be what the style sheet
 * says, in pixels.
 */
import type { ComponentChildren, HTMLAttributes, VNode } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const OVERSCAN = 8;

interface VirtualListProps<Item> extends Omit<HTMLAttributes<HTMLDivElement>, 'children'> {
  readonly items: readonly Item[];
  /** Names the list: when the name changes, the list is scrolled to its top. */
  readonly name: string;
  readonly rowHeight: number;
  readonly keyOf: (item: Item) => string;
  /** As long as the function stays the same, a row with the same item and index is not rendered again. */
  readonly renderRow: (item: Item, index: number) => ComponentChildren;
  /** Another active item is scrolled into view; when the active item only moves, nothing is scrolled. */
  readonly activeIndex?: number;
  /** Called when the end comes near, and again when more rows or another function are there while it is near. */
  readonly onNearEnd?: () => void;
  readonly footer?: ComponentChildren;
}

interface Rendered<Item> {
  readonly item: Item;
  readonly index: number;
  readonly row: VNode;
}

export function VirtualList<Item>(props: VirtualListProps<Item>) {
  const { items, name, rowHeight, keyOf, renderRow, activeIndex = -1, onNearEnd, footer, ...attributes } = props;
  const scroller = useRef<HTMLDivElement>(null);
  // The first frame has as many rows as any window can show: measuring would take longer than painting them.
  const [range, setRange] = useState(() => ({ first: 0, last: Math.ceil(window.innerHeight / rowHeight) }));

  const measure = useCallback(() => {
    // The observer can still report a size after the list is gone.
    if (!scroller.current) return;
    const { scrollTop, clientHeight } = scroller.current;
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN);
    const last = Math.ceil((scrollTop + clientHeight) / rowHeight) + OVERSCAN;
    setRange((now) => (now.first === first && now.last === last ? now : { first, last }));
  }, [rowHeight]);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, [measure]);

  const shownName = useRef(name);
  useLayoutEffect(() => {
    if (shownName.current === name) return;
    shownName.current = name;
    scroller.current!.scrollTop = 0;
    measure();
  }, [name, measure]);

  const active = items[activeIndex];
  const activeKey = active && keyOf(active);
  useLayoutEffect(() => {
    const element = scroller.current!;
    if (activeKey === undefined) return;
    const top = activeIndex * rowHeight;
    const isAbove = top < element.scrollTop;
    if (!isAbove && top + rowHeight <= element.scrollTop + element.clientHeight) return;
    element.scrollTop = isAbove ? top : top + rowHeight - element.clientHeight;
    measure();
  }, [activeKey, measure]);

  // A row that moves to another place is removed and inserted again, and loses the focus.
  const focused = scroller.current?.contains(document.activeElement) ? document.activeElement : null;
  useLayoutEffect(() => {
    if (!focused?.isConnected || document.activeElement !== document.body) return;
    (focused as HTMLElement).focus({ preventScroll: true });
  });

  const first = Math.min(range.first, items.length);
  const last = Math.min(range.last, items.length);
  const isNearEnd = last >= items.length - OVERSCAN;
  useEffect(() => {
    if (isNearEnd) onNearEnd?.();
  }, [isNearEnd, items.length, onNearEnd]);

  const before = useRef<{ renderRow: unknown; rows: Map<string, Rendered<Item>> }>(undefined);
  const known = before.current?.renderRow === renderRow ? before.current.rows : undefined;
  const rows = new Map<string, Rendered<Item>>();
  items.slice(first, last).forEach((item, offset) => {
    const key = keyOf(item);
    const index = first + offset;
    const same = known?.get(key);
    if (same?.item === item && same.index === index) {
      rows.set(key, same);
      return;
    }
    const row = (
      <div class="virtual-row" role="presentation" key={key}>
        {renderRow(item, index)}
      </div>
    );
    rows.set(key, { item, index, row });
  });
  before.current = { renderRow, rows };

  return (
    <div ref={scroller} {...attributes}>
      <div class="virtual-space" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
        <div class="virtual-rows" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {[...rows.values()].map(({ row }) => row)}
        </div>
      </div>
      {footer}
    </div>
  );
}
