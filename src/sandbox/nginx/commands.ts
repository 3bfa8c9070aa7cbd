import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { Kernel } from '../kernel/kernel.ts';
import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import { checkConfig, ConfigError, parseConfig } from './config.ts';
import { ownAnswer } from './serve.ts';
import { machineAt, MAIN, nginxDocument, readFile, resolved, type Machine } from './state.ts';
import { untar } from './tar.ts';

type Program = (machine: Machine, args: string[], stdin: Buffer) => Outcome;

const OURS = '/etc/nginx';
const paths = (args: string[]) => args.filter((arg) => arg.startsWith('/'));
const lacks = (program: string, what: string) =>
	outcome(1, '', `${program}: ${what}: No such file or directory\n`);
const below = (machine: Machine, folder: string) =>
	[...Object.keys(machine.files), ...Object.keys(machine.links)].filter((path) =>
		path.startsWith(`${folder.replace(/\/$/, '')}/`)
	);

/**
 * A command on a system with nginx, when it is about nginx or its folder.
 * @param vmid null: on the node itself
 * @returns null when it is another program's affair
 */
export function runNginx(
	kernel: Kernel,
	place: { node: string; vmid: number | null },
	{ argv, stdin }: Invocation
): Outcome | null {
	const machine = machineAt(kernel, place.node, place.vmid);
	if (!machine) return null;
	const [program = '', ...args] = argv;
	const name = program.split('/').at(-1) ?? '';
	const run = PROGRAMS[name];
	if (!run) return null;
	const checks = name === 'sha256sum' && args.includes('--check');
	const isOurs = paths(args).some((path) => path === OURS || path.startsWith(`${OURS}/`));
	if (name !== 'nginx' && name !== 'curl' && !checks && !isOurs) return null;
	const result = run(machine, args, stdin);
	nginxDocument(kernel).changed();
	return result;
}

const PROGRAMS: Record<string, Program> = {
	nginx,
	curl: (machine, args) => {
		const url = args.find((arg) => URL.canParse(arg));
		const target = url ? new URL(url) : null;
		const answer = target && ownAnswer(machine, Number(target.port || 80), target.pathname);
		if (!answer)
			return outcome(
				7,
				'',
				`curl: (7) Failed to connect to 127.0.0.1 port ${target?.port ?? ''}\n`
			);
		return outcome(0, typeof answer.body === 'string' ? answer.body : '');
	},
	mkdir: () => outcome(0),
	readlink: (machine, args) => {
		const path = resolved(machine, paths(args)[0] ?? '');
		return machine.files[path] ? outcome(0, `${path}\n`) : outcome(1);
	},
	ls: (machine, args) => {
		const [folder = ''] = paths(args);
		const names = new Set(
			below(machine, folder).map((path) => path.slice(folder.length + 1).split('/')[0])
		);
		return outcome(
			0,
			[...names]
				.sort()
				.map((name) => `${name}\n`)
				.join('')
		);
	},
	cat: (machine, args) => {
		const content = readFile(machine, paths(args)[0] ?? '');
		return content ? outcome(0, content) : lacks('cat', paths(args)[0] ?? '');
	},
	cp: (machine, args) => {
		const [from = '', to = ''] = paths(args);
		const file = machine.files[resolved(machine, from)];
		if (!file) return lacks('cp', `cannot stat '${from}'`);
		const kept = args.includes('-n') && machine.files[to];
		if (!kept) machine.files[to] = { ...file };
		return outcome(0);
	},
	ln: (machine, args) => {
		const [target = '', path = ''] = paths(args);
		delete machine.files[path];
		machine.links[path] = target;
		return outcome(0);
	},
	mv: (machine, args) => {
		const [from = '', to = ''] = paths(args);
		const link = machine.links[from];
		const file = machine.files[from];
		if (link === undefined && !file) return lacks('mv', `cannot stat '${from}'`);
		delete machine.links[to];
		delete machine.files[to];
		if (link !== undefined) machine.links[to] = link;
		else if (file) machine.files[to] = file;
		delete machine.links[from];
		delete machine.files[from];
		return outcome(0);
	},
	rm: (machine, args) => {
		for (const path of paths(args)) {
			for (const inside of [path, ...below(machine, path)]) {
				delete machine.files[inside];
				delete machine.links[inside];
			}
		}
		return outcome(0);
	},
	tar: (machine, args, stdin) => {
		const folder = args[args.indexOf('-C') + 1] ?? '/';
		const entries = untar(stdin);
		if (!entries) return outcome(2, '', 'tar: This does not look like a tar archive\n');
		for (const { path, content, mode } of entries)
			machine.files[`${folder}/${path}`] = { content: content.toString('base64'), mode };
		return outcome(0);
	},
	sha256sum: (machine, _args, stdin) => {
		const bad = stdin
			.toString('utf8')
			.split('\n')
			.filter(Boolean)
			.filter((line) => {
				const content = readFile(machine, line.slice(66));
				return !content || createHash('sha256').update(content).digest('hex') !== line.slice(0, 64);
			});
		const said = bad.map((line) => `${line.slice(66)}: FAILED\n`).join('');
		return outcome(bad.length > 0 ? 1 : 0, said);
	}
};

function nginx(machine: Machine, args: string[]): Outcome {
	if (args.includes('-v')) return outcome(0, '', `nginx version: nginx/${machine.version}\n`);
	const path = args.includes('-c') ? (args[args.indexOf('-c') + 1] ?? MAIN) : MAIN;
	const problem = problemOf(machine, path);
	if (args.includes('-t')) {
		return problem
			? outcome(1, '', `nginx: [emerg] ${problem}\nnginx: configuration file ${path} test failed\n`)
			: outcome(
					0,
					'',
					`nginx: the configuration file ${path} syntax is ok\nnginx: configuration file ${path} test is successful\n`
				);
	}
	if (args[args.indexOf('-s') + 1] === 'reload') {
		if (problem) return outcome(1, '', `nginx: [emerg] ${problem}\n`);
		if (!machine.serving)
			return outcome(1, '', 'nginx: [error] invalid PID number "" in "/run/nginx.pid"\n');
		machine.serving = { config: readFile(machine, MAIN)?.toString('utf8') ?? '' };
		return outcome(0);
	}
	return outcome(1, '', 'nginx: invalid option\n');
}

/** What nginx says of the configuration that stands in its files; null when it would take it. */
function problemOf(machine: Machine, path: string): string | null {
	const text = readFile(machine, path);
	if (!text) return `open() "${path}" failed (2: No such file or directory)`;
	try {
		checkConfig(parseConfig(text.toString('utf8'), path), path, (certificate, key) =>
			pairProblem(machine, certificate, key)
		);
		return null;
	} catch (error) {
		if (error instanceof ConfigError) return error.message;
		throw error;
	}
}

function pairProblem(machine: Machine, certificate: string, key: string): string | null {
	const chain = readFile(machine, certificate);
	const secret = readFile(machine, key);
	const absent = !chain ? certificate : !secret ? key : null;
	if (!chain || !secret)
		return `cannot load certificate "${absent}": BIO_new_file() failed (No such file or directory)`;
	try {
		const fits = new X509Certificate(chain).checkPrivateKey(createPrivateKey(secret));
		return fits ? null : `SSL_CTX_use_PrivateKey("${key}") failed (key values mismatch)`;
	} catch {
		return `cannot load certificate "${certificate}": PEM_read_bio_X509_AUX() failed`;
	}
}
