import { configureGlobal, readConfigureGlobal } from 'fast-check';

/**
 * Loaded before each file of the short tier: laws are tried with the same examples every time, so that a change fails
 * or passes by itself and coverage does not vary. The long suites draw new ones (`npm run test:full`).
 */
configureGlobal({ ...readConfigureGlobal(), seed: 20_305 });
