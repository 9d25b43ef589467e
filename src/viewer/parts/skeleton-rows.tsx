/** Stands where rows will be, so that the page does not jump when they come. */
const ROWS = 8;

export function SkeletonRows({ height }: { height: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading…">
      {Array.from({ length: ROWS }, (_, index) => (
        <div key={index} class="skeleton-row" style={{ height: `${height}px` }} aria-hidden="true">
          <span class="skeleton-bar" style={{ width: `${30 + ((index * 37) % 40)}%` }} />
        </div>
      ))}
    </div>
  );
}
