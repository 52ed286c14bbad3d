import { setImmediate as nextTurn } from 'node:timers/promises';

/** Lets the event loop go round `turns` times: sockets are polled, callbacks and microtasks run. */
export async function turn(turns = 1): Promise<void> {
  for (let count = 0; count < turns; count += 1) await nextTurn();
}

/** Real milliseconds after which a wait fails with what it waited for; less than Jest gives to a test. */
export const PATIENCE_MILLISECONDS = 20_000;

/** The promise's own result, or an error that names `what` was awaited. The only real time in the harness. */
export async function within<T>(promise: Promise<T>, what: string, milliseconds = PATIENCE_MILLISECONDS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${milliseconds} ms in vain for ${what}.`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets the loop go round until `predicate` holds, also for work in the thread pool, which counted turns can miss. */
export async function eventually(
  predicate: () => boolean,
  what: string,
  milliseconds = PATIENCE_MILLISECONDS,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!predicate()) {
    if (performance.now() > deadline) throw new Error(`Waited ${milliseconds} ms in vain for ${what}.`);
    await nextTurn();
  }
}
