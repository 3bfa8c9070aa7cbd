import { format } from 'node:util';

let written: string[] = [];
let expected: RegExp[] = [];

for (const method of ['error', 'warn'] as const) {
	console[method] = (...args: unknown[]) => {
		written.push(`console.${method}: ${format(...args)}`);
	};
}

/** Says that the running test makes the product write such a line, and fails it when no such line came. */
export function expectConsole(pattern: RegExp): void {
	expected.push(pattern);
}

/** Begins a test. Lines written while the file was loading count to its first test. */
export function noticeConsole(): void {
	expected = [];
}

/** What is wrong at the end of a test: lines that were not expected, and expected lines that did not come. */
export function unexpectedConsole(): string[] {
	const surprising = written.filter((line) => !expected.some((pattern) => pattern.test(line)));
	const missing = expected
		.filter((pattern) => !written.some((line) => pattern.test(line)))
		.map((pattern) => `expected but not written: ${pattern}`);
	written = [];
	return [...surprising, ...missing];
}
