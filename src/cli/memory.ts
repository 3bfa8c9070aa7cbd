/**
 * How much memory the application's process may take. On a large machine Node lets young objects fill 128 MB and the old
 * generation grow before it collects: the same load then took 650 MB instead of 270, at the same speed. `npm start` and
 * the Dockerfile say the same; memory.test.ts holds them to it.
 */
export const MEMORY_FLAGS = ['--max-semi-space-size=8', '--max-old-space-size=512'];
