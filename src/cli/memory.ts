/**
 * How much memory the application's process may take. On a large machine Node lets young objects fill 128 MB and the old
 * generation grow before it collects: the same load then took 650 MB instead of 290, a seventh faster. `npm start` and
 * the Dockerfile say the same; memory.test.ts holds them to it.
 */
export const MEMORY_FLAGS = [
	'--max-semi-space-size=8',
	'--max-old-space-size=512',
	'--heap-growing-percent=15'
];

/**
 * glibc keeps a heap per thread otherwise, and in it the holes of what was freed: some 40 MB. One heap for all, and what
 * is larger than these bytes outside of it, which goes back to the system when it is freed (mallopt(3)). The demo and the
 * image set them; beside `npm start` they are set by whoever runs it.
 */
export const MEMORY_ENV = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536' };
