import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './hash.ts';
import { startProcess } from './processes.ts';
import { scratchServer } from './scratch.ts';

/** What came of one part of `npm test`. */
export interface Outcome {
	passed: number;
	failed: number;
	/** Printed under the part's line: the output of what failed, a figure, a reason. */
	words: string;
	/** The tests that failed, by name: printed once more at the end, where a reader of a long log looks first. */
	failures?: string[];
	/** The tests that passed only when they were run again: a busy machine, or a defect to look for. Printed likewise. */
	unsteady?: string[];
}

/** A part that only passes or fails. @param run throws, with what to print, when it fails */
export async function check(run: () => Promise<unknown> | unknown): Promise<Outcome> {
	try {
		const words = await run();
		return { passed: 1, failed: 0, words: typeof words === 'string' ? words : '' };
	} catch (error) {
		return { passed: 0, failed: 1, words: error instanceof Error ? error.message : String(error) };
	}
}

/**
 * Runs one of the tools in node_modules/.bin to its end; its output goes to .data/test/<name>.log.
 * @returns exit code and output
 */
export async function runTool(
	name: string,
	tool: string,
	args: string[],
	env: Record<string, string> = {}
): Promise<{ code: number; output: string }> {
	const folder = join(root, '.data/test');
	mkdirSync(folder, { recursive: true });
	const log = join(folder, `${name}.log`);
	const file = openSync(log, 'w');
	const running = await startProcess(
		process.execPath,
		[join(root, 'node_modules/.bin', tool), ...args],
		{
			cwd: root,
			stdio: ['ignore', file, file],
			env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', ...env }
		}
	);
	await running.ended;
	return { code: running.child.exitCode ?? 1, output: readFileSync(log, 'utf8').trim() };
}

/** A tool whose exit code says it all. */
export function toolCheck(name: string, tool: string, args: string[]): Promise<Outcome> {
	return check(async () => {
		const { code, output } = await runTool(name, tool, args);
		if (code !== 0) throw new Error(output);
	});
}

interface VitestReport {
	numPassedTests: number;
	numFailedTests: number;
	testResults: {
		status: string;
		name: string;
		message: string;
		assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
	}[];
}

/**
 * How the files begin that compute for long: the same under every fault, in every order or hundreds of times, and whole
 * stories. To count each line that they run would add half as much again. Most are run by other tests too; those that are
 * not count as not covered, so that the measure is a floor.
 */
const UNMEASURED = [
	...['faults', 'kill', 'outages', 'rush', 'restart', 'planMoves', 'money', 'databaseServer'].map(
		(name) => `src/lib/provisioning/${name}`
	),
	...['containers/', 'tenants/', 'drains/drains'].map(
		(name) => `src/lib/provisioning/moves/${name}`
	),
	...['reordering', 'dunningWork', 'refundAgain', 'refundChain', 'renewals', 'subscriptions'].map(
		(name) => `src/lib/billing/${name}`
	),
	...['custom/domainFaults', 'edge/edgeServers', 'tunnels/tunnelRace'].map(
		(name) => `src/lib/domains/${name}`
	),
	...['acts', 'containers'].map((name) => `src/lib/infrastructure/containers/${name}.server`),
	'tests/stripeAway'
];

/** All tests of Vitest, in two runs beside each other over one PostgreSQL: what is measured, and what is not. */
export async function vitest(minimum: number): Promise<Outcome> {
	const server = await scratchServer();
	try {
		const env = { TEST_DATABASE_SERVER_URL: server.url };
		const [measured, unmeasured] = await Promise.all([
			vitestRun(
				'vitest',
				[
					...['--coverage', '--coverage.thresholds.lines=0'],
					...UNMEASURED.flatMap((file) => ['--exclude', `${file}*.test.ts`])
				],
				env
			),
			vitestRun('vitest-faults', UNMEASURED, env)
		]);
		const coverage = await check(() => coveredLines(minimum));
		return together(measured, unmeasured, coverage);
	} finally {
		await server.stop();
	}
}

function together(...outcomes: Outcome[]): Outcome {
	return {
		passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
		failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
		words: outcomes
			.map(({ words }) => words)
			.filter(Boolean)
			.join('\n'),
		failures: outcomes.flatMap(({ failures = [] }) => failures),
		unsteady: outcomes.flatMap(({ unsteady = [] }) => unsteady)
	};
}

/** Counts tests, and a file that could not be loaded as one failure. */
async function vitestRun(
	name: string,
	args: string[],
	env: Record<string, string>
): Promise<Outcome> {
	const report = join(root, `.data/test/${name}.json`);
	const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
	const { code, output } = await runTool(
		name,
		'vitest',
		['run', ...args, '--retry=1', ...reporters],
		env
	);
	const found = readReport<VitestReport>(report, output);
	const named = (status: string) =>
		found.testResults.flatMap(({ name, assertionResults }) =>
			assertionResults
				.filter((result) => result.status === status && result.failureMessages.length > 0)
				.map(
					({ fullName, failureMessages }) =>
						`${relative(root, name)} > ${fullName}: ${firstLine(failureMessages[0]!)}`
				)
		);
	const unloaded = found.testResults
		.filter(
			({ status, assertionResults }) =>
				status === 'failed' && !assertionResults.some((result) => result.status === 'failed')
		)
		.map(({ name, message }) => `${relative(root, name)}: ${firstLine(message)}`);
	const failures = [...named('failed'), ...unloaded];
	let failed = failures.length;
	// An unhandled rejection ends the run with an error although every test passed.
	if (code !== 0 && failed === 0) failed = 1;
	return {
		passed: found.numPassedTests,
		failed,
		words: failed > 0 ? fromFirstFailure(output) : '',
		failures,
		unsteady: named('passed')
	};
}

/** Vitest's report without the list of what passed, which comes first. */
function fromFirstFailure(output: string): string {
	const start = output.search(/^⎯+ (Failed|Unhandled) /m);
	return start < 0 ? output : output.slice(start);
}

function firstLine(text: string): string {
	return text.split('\n', 1)[0]!.slice(0, 300);
}

function coveredLines(minimum: number): string {
	const summary = readReport<{ total: { lines: { pct: number | 'Unknown' } } }>(
		join(root, 'coverage/coverage-summary.json'),
		'no coverage was written'
	);
	const { pct } = summary.total.lines;
	const sentence = `line coverage of src/lib: ${pct} %, at least ${minimum} % is asked for`;
	if (typeof pct !== 'number' || pct < minimum) throw new Error(sentence);
	return sentence;
}

interface PlaywrightReport {
	stats: { expected: number; unexpected: number; flaky: number };
	errors: unknown[];
	suites: PlaywrightSuite[];
}

interface PlaywrightSuite {
	title: string;
	suites?: PlaywrightSuite[];
	specs: {
		title: string;
		file: string;
		line: number;
		tests: { status: 'expected' | 'unexpected' | 'flaky' | 'skipped' }[];
	}[];
}

function specsThatAre(
	status: 'unexpected' | 'flaky',
	{ suites = [], specs }: PlaywrightSuite
): string[] {
	return [
		...specs
			.filter(({ tests }) => tests.some((test) => test.status === status))
			.map(({ title, file, line }) => `${file}:${line} > ${title}`),
		...suites.flatMap((suite) => specsThatAre(status, suite))
	];
}

/** Counts end-to-end tests; what broke outside a test is one failure. */
export async function playwright(chromium: string): Promise<Outcome> {
	const report = join(root, '.data/test/playwright.json');
	const { code, output } = await runTool(
		'playwright',
		'playwright',
		['test', '--config', 'tests/e2e/playwright.config.ts', '--reporter=list,json', '--retries=1'],
		{ CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_NAME: report }
	);
	const { stats, errors, suites } = readReport<PlaywrightReport>(report, output);
	let failed = stats.unexpected;
	if (failed === 0 && (errors.length > 0 || code !== 0)) failed = 1;
	return {
		passed: stats.expected + stats.flaky,
		failed,
		words: failed > 0 ? output : '',
		failures: suites.flatMap((suite) => specsThatAre('unexpected', suite)),
		unsteady: suites.flatMap((suite) => specsThatAre('flaky', suite))
	};
}

/** @throws Error with `output` when the runner died before it wrote its report */
function readReport<T>(file: string, output: string): T {
	try {
		return JSON.parse(readFileSync(file, 'utf8')) as T;
	} catch (error) {
		throw new Error(output, { cause: error });
	}
}
