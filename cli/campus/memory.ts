/** How much memory V8 and malloc leave to garbage in the processes of a campus; by measurement, see `npm run perf`. */

/** Two arenas are enough; those of the compilers' and collectors' threads would stay half empty. */
export const memoryEnvironment = { MALLOC_ARENA_MAX: '2' };

/** Megabytes of a thread's young generation: there is much garbage, of which little outlives an exchange. */
const youngGeneration = '--max-semi-space-size=4';

/**
 * Of the samples and states that live until the next one V8 would learn that they live long, and fill the old
 * generation with them.
 */
const youngStayYoung = '--no-allocation-site-pretenuring';

/** Collects when the old generation has grown by three tenths: on an idle machine V8 would let it double. */
export const headEndMemory: readonly string[] = [youngGeneration, youngStayYoung, '--heap-growing-percent=30'];

/** The old generation of each thread may be twice what its boards hold; V8 would let garbage fill more. */
export const boardsMemory = (boards: number): readonly string[] => [
  youngGeneration,
  youngStayYoung,
  `--max-old-space-size=${24 + Math.ceil(boards / 2)}`,
];
