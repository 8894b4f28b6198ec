/**
 * The environment of a program that a test starts as its users do: measuring the coverage of tests must not slow it
 * down, nor keep it from its compile cache.
 */
export function programEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { NODE_V8_COVERAGE: _coverage, NODE_DISABLE_COMPILE_CACHE: _compileCache, ...environment } = process.env;
  return { ...environment, ...more };
}
