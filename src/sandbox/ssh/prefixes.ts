import {
	outcome,
	runLine,
	type Execute,
	type Files,
	type Invocation,
	type Outcome
} from './shell.ts';

/**
 * Takes the prefixes `env A=B`, `timeout N`, `runuser -u U --`, `sudo -u U` and `sh -c` off a command and runs what is left.
 * `timeout` counts real seconds, whatever the sandbox's speed, and ends with 124.
 */
export async function runPrefixed(
	invocation: Invocation,
	execute: Execute,
	files: Files
): Promise<Outcome> {
	const [name = '', ...rest] = invocation.argv;
	const program = name.split('/').at(-1);
	const again = (argv: string[], env = invocation.env) =>
		runPrefixed({ ...invocation, argv, env }, execute, files);
	if (program === 'env') {
		const env = { ...invocation.env };
		let index = 0;
		for (; index < rest.length && /^([A-Za-z_]\w*=|-i$|-u$)/.test(rest[index]!); index += 1) {
			const [key, ...value] = rest[index]!.split('=');
			if (value.length > 0) env[key!] = value.join('=');
		}
		return again(rest.slice(index), env);
	}
	if (program === 'runuser' || program === 'sudo') {
		const words = [...rest];
		let { user } = invocation;
		while (words[0]?.startsWith('-')) {
			const option = words.shift();
			if (option === '--') break;
			if (option === '-u') user = words.shift();
			else if (option === '-g') words.shift();
		}
		return runPrefixed({ ...invocation, argv: words, user }, execute, files);
	}
	if ((program === 'sh' || program === 'bash') && rest.length > 0 && /^-[a-z]*c$/.test(rest[0]!)) {
		return runLine(
			rest[1] ?? '',
			invocation.stdin,
			(inner) =>
				runPrefixed({ ...inner, env: { ...invocation.env, ...inner.env } }, execute, files),
			files,
			invocation.signal
		);
	}
	if (program === 'timeout') {
		const words = [...rest];
		while (words[0]?.startsWith('-')) {
			if (words.shift() === '-k') words.shift();
		}
		const limit = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(words.shift() ?? '');
		if (!limit)
			return outcome(
				125,
				'',
				`timeout: invalid time interval\nTry 'timeout --help' for more information.\n`
			);
		const seconds = Number(limit[1]) * ({ m: 60, h: 3600 }[limit[2]!] ?? 1);
		return withTimeout(invocation, words, seconds * 1000, execute, files);
	}
	return execute(invocation);
}

async function withTimeout(
	invocation: Invocation,
	argv: string[],
	ms: number,
	execute: Execute,
	files: Files
): Promise<Outcome> {
	const limit = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	const expired = new Promise<Outcome>((resolve) => {
		timer = setTimeout(() => {
			limit.abort();
			resolve(outcome(124));
		}, ms);
	});
	const signal = AbortSignal.any([invocation.signal, limit.signal]);
	try {
		return await Promise.race([
			runPrefixed({ ...invocation, argv, signal }, execute, files),
			expired
		]);
	} finally {
		clearTimeout(timer);
	}
}
