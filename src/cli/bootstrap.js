/**
 * `npm run demo | dev | test` on a fresh clone with Node 20 or newer and nothing else: installs what package-lock.json
 * names when node_modules does not have it, then runs src/cli/<command>.ts under the Node 24 that came with it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [command = '', ...args] = process.argv.slice(2);

if (Number(process.versions.node.split('.')[0]) < 20) {
	stop(`Node 20 or newer is needed; this is ${process.version}.`);
}
if (!isInstalled()) install();
run();

/**
 * Compares what is installed with the lockfile, package by package: dates mean nothing after a clone.
 * @returns {boolean}
 */
function isInstalled() {
	const hidden = join(root, 'node_modules/.package-lock.json');
	if (!existsSync(hidden) || !existsSync(nodeBinary())) return false;
	const wanted = packages(join(root, 'package-lock.json'));
	const found = packages(hidden);
	return Object.entries(wanted).every(
		([path, entry]) => path === '' || entry.optional || found[path]?.version === entry.version
	);
}

/**
 * @param {string} file
 * @returns {Record<string, { version: string, optional?: boolean }>}
 */
function packages(file) {
	return JSON.parse(readFileSync(file, 'utf8')).packages;
}

function install() {
	console.log('Installing dependencies (npm ci) …');
	const npm = process.env.npm_execpath;
	const flags = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
	const [program, ...before] = npm ? [process.execPath, npm] : ['npm'];
	const { status } = spawnSync(/** @type {string} */ (program), [...before, ...flags], {
		cwd: root,
		stdio: 'inherit',
		shell: !npm && process.platform === 'win32'
	});
	if (status !== 0) stop('npm ci failed; its words are above.');
}

function run() {
	const child = spawn(nodeBinary(), [join(root, 'src/cli', `${command}.ts`), ...args], {
		cwd: root,
		stdio: 'inherit',
		env: {
			// What one process has compiled the others need not: hundreds are started by the tests alone.
			NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'),
			...process.env,
			PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
		}
	});
	// The terminal sends Ctrl-C to the child as well; it decides when everything has ended.
	process.on('SIGINT', () => undefined);
	process.on('SIGTERM', () => child.kill('SIGTERM'));
	process.on('SIGHUP', () => child.kill('SIGTERM'));
	whenAbandoned(() => child.kill('SIGTERM'));
	child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

/**
 * Under `npm run` a shell stands between npm and us. A signal to npm ends the shell or npm, and tells us nothing: so we look.
 * @param {() => void} stopChild
 */
function whenAbandoned(stopChild) {
	if (!process.env.npm_lifecycle_event) return;
	const parent = process.ppid;
	const npm = isShell(parent) ? parentOf(parent) : null;
	setInterval(() => {
		if (process.ppid !== parent || (npm !== null && parentOf(parent) !== npm)) stopChild();
	}, 300).unref();
}

/** @param {number} pid */
function isShell(pid) {
	try {
		return /^(sh|dash|bash|ash|zsh)\s*$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'));
	} catch {
		// No /proc on this system: watching the direct parent is what is left.
		return false;
	}
}

/**
 * @param {number} pid
 * @returns {number | null}
 */
function parentOf(pid) {
	try {
		// pid (name with spaces) state ppid …
		const [, rest = ''] = /\) \S (.*)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
		return Number.parseInt(rest, 10);
	} catch {
		// The process is gone.
		return null;
	}
}

function nodeBinary() {
	return join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function stop(sentence) {
	console.error(sentence);
	process.exit(1);
}
