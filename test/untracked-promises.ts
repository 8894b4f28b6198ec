import asyncHooks, { AsyncLocalStorage, AsyncResource, type HookCallbacks } from 'node:async_hooks';

/**
 * Loaded before each test file: Node's test runner has itself told of every asynchronous resource, so as to know in
 * which test it was made. To be told of each promise's making and end costs a simulated hour a third of its time. So it
 * is told of the tests alone, and which of them is under way is what V8 itself hands on.
 */
const { createHook, executionAsyncId } = asyncHooks;
const underWay = new AsyncLocalStorage<number>();

/** Has what this test does, and all that comes of it, know of which test it is. */
function mark(test: AsyncResource): void {
  const run = test.runInAsyncScope.bind(test);
  test.runInAsyncScope = (fn, thisArg, ...args) =>
    run(() => underWay.run(test.asyncId(), () => fn.apply(thisArg as never, args)));
}

asyncHooks.createHook = (callbacks: HookCallbacks) =>
  createHook({
    init: (asyncId, type, triggerAsyncId, resource) => {
      if (type !== 'Test' || !(resource instanceof AsyncResource)) return;
      mark(resource);
      callbacks.init?.(asyncId, type, triggerAsyncId, resource);
    },
    trackPromises: false,
  });
asyncHooks.executionAsyncId = () => underWay.getStore() ?? executionAsyncId();
