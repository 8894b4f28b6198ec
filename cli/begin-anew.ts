import module from 'node:module';

/** Node loads it to strip the types from source that the compile cache does not have. */
const typeStripper = 'NativeModule internal/deps/amaro/dist/index';
const mayBeginAnew = 'GRIDTOKENX_MAY_BEGIN_ANEW';

/** Whether code that this process has loaded was not in the compile cache. */
export const hasCompiled = (): boolean =>
  (process as unknown as { readonly moduleLoadList: readonly string[] }).moduleLoadList.includes(typeStripper);

/**
 * Has a process that had to compile its code begin anew from the compile cache: it would hold 25 MB for as long as it
 * runs that only the compiling took. To be called when all code is loaded and nothing is begun yet; at most once, and
 * only where `lean-start.js` said that it may.
 */
export function beginAnewOnceCompiled(): void {
  const { [mayBeginAnew]: may, ...environment } = process.env;
  delete process.env[mayBeginAnew];
  if (may === undefined || process.execve === undefined || !hasCompiled()) return;
  module.flushCompileCache();
  const [node = process.execPath, ...program] = process.argv;
  process.execve(node, [node, ...process.execArgv, ...program], environment);
}
