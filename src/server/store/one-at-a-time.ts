/** Returns a function that runs jobs one after the other, in their order. One that fails stops none. */
export function createOneAtATime(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    // The result itself, which may be large, would be kept until the next job.
    last = result.then(end, end);
    return result;
  };
}

function end(): void {}
