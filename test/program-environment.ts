/**
 * The environment of a program that a test starts as its users do: measuring the coverage of tests must not slow it
 * down, nor keep it from its compile cache.
 */
export const programEnvironment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  // Named, not left out: what a child is not told about coverage Node tells it all the same.
  NODE_V8_COVERAGE: undefined,
  NODE_DISABLE_COMPILE_CACHE: undefined,
  NODE_OPTIONS: undefined,
  ...more,
});
