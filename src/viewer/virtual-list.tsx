/**
 * Rows of one height, of which only those on the screen exist. A row is as high as `rowHeight`, which the style sheet
 * must agree with.
 */
import type { ComponentChildren, HTMLAttributes } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const OVERSCAN = 8;

interface VirtualListProps<Item> extends Omit<HTMLAttributes<HTMLDivElement>, 'children'> {
  readonly items: readonly Item[];
  readonly rowHeight: number;
  readonly keyOf: (item: Item) => string;
  readonly renderRow: (item: Item, index: number) => ComponentChildren;
  /** Its item is brought into view when it becomes another one, and left alone when it only moves. */
  readonly activeIndex?: number;
  /** Called while the end is near. */
  readonly onNearEnd?: () => void;
  readonly footer?: ComponentChildren;
}

export function VirtualList<Item>(props: VirtualListProps<Item>) {
  const { items, rowHeight, keyOf, renderRow, activeIndex = -1, onNearEnd, footer, ...attributes } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: window.innerHeight });

  useLayoutEffect(() => {
    const element = scroller.current!;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  const active = items[activeIndex];
  const activeKey = active && keyOf(active);
  useLayoutEffect(() => {
    const element = scroller.current!;
    if (activeKey === undefined) return;
    const top = activeIndex * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight - element.clientHeight;
    }
  }, [activeKey, rowHeight]);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  const isNearEnd = last >= items.length - OVERSCAN;
  useEffect(() => {
    if (isNearEnd) onNearEnd?.();
  }, [isNearEnd, items.length, onNearEnd]);

  return (
    <div ref={scroller} {...attributes}>
      <div class="virtual-space" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
        <div class="virtual-rows" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {items.slice(first, last).map((item, offset) => (
            <div class="virtual-row" role="presentation" key={keyOf(item)} style={{ height: `${rowHeight}px` }}>
              {renderRow(item, first + offset)}
            </div>
          ))}
        </div>
      </div>
      {footer}
    </div>
  );
}
