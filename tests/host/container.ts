import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
	cpSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Everything that the host tests keep or make lies here. */
export const FOLDER = resolve('.data/host');
/** What is ours on the machine bears this name. */
const NAME = 'erphost';
const ADDRESS = '10.254.77';
const BRIDGE = { name: `${NAME}0`, address: `${ADDRESS}.1` };
const CONTAINER = { address: `${ADDRESS}.2`, path: join(FOLDER, 'lxc') };

export interface Ran {
	code: number;
	stdout: string;
	stderr: string;
}

/** Runs a program to its end without holding up what this process serves meanwhile. */
export function run(
	program: string,
	args: string[],
	{ input = '', env = process.env }: { input?: string; env?: NodeJS.ProcessEnv } = {}
): Promise<Ran> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { env, stdio: 'pipe' });
		const ran: Ran = { code: -1, stdout: '', stderr: '' };
		child.stdout.on('data', (chunk: Buffer) => (ran.stdout += chunk.toString()));
		child.stderr.on('data', (chunk: Buffer) => (ran.stderr += chunk.toString()));
		child.on('error', reject);
		// A command that ends without reading all of it is no mishap of ours.
		child.stdin.on('error', () => {}).end(input);
		child.on('close', (code) => resolve({ ...ran, code: code ?? -1 }));
	});
}

/** A Debian 12 as debootstrap makes it, kept for the next time. @throws {Error} with what debootstrap says */
export async function debian(proxy: string): Promise<string> {
	const base = join(FOLDER, 'bookworm');
	if (existsSync(base)) return base;
	const fresh = `${base}.new`;
	rmSync(fresh, { recursive: true, force: true });
	mkdirSync(FOLDER, { recursive: true });
	const { code, stdout, stderr } = await run(
		'debootstrap',
		[
			'--variant=minbase',
			'--include=systemd,systemd-sysv,dbus,iproute2,ca-certificates',
			...['bookworm', fresh, 'http://deb.debian.org/debian']
		],
		{ env: { ...process.env, http_proxy: proxy } }
	);
	if (code !== 0) throw new Error(`debootstrap: ${stdout.slice(-2000)}${stderr}`);
	renameSync(fresh, base);
	return base;
}

/** The network that the container and this machine share; it leads nowhere else. */
export function bridge(): string {
	takeDown();
	takeDownWithUs();
	const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });
	ip('link', 'add', BRIDGE.name, 'type', 'bridge');
	ip('addr', 'add', `${BRIDGE.address}/24`, 'dev', BRIDGE.name);
	ip('link', 'set', BRIDGE.name, 'up');
	return BRIDGE.address;
}

/** Takes away whatever this or a killed run left: container, mounts, bridge. */
export function takeDown(): void {
	const quiet = { stdio: 'ignore' } as const;
	spawnSync('lxc-stop', ['-P', CONTAINER.path, '-n', NAME, '-k'], quiet);
	for (const line of readFileSync('/proc/mounts', 'utf8').split('\n').reverse()) {
		const [, at = ''] = line.split(' ');
		if (at.startsWith(CONTAINER.path)) spawnSync('umount', ['-l', at], quiet);
	}
	rmSync(CONTAINER.path, { recursive: true, force: true });
	spawnSync('ip', ['link', 'del', BRIDGE.name], quiet);
}

/** When this process is killed nothing of it stays: a shell of its own waits for its end. */
function takeDownWithUs(): void {
	const wait = `while kill -0 ${process.pid} 2>/dev/null; do sleep 1; done`;
	const stop = `lxc-stop -P ${CONTAINER.path} -n ${NAME} -k; ip link del ${BRIDGE.name}`;
	// Not while another run has its own.
	const ours = `[ "$(cat ${CONTAINER.path}/pid)" = ${process.pid} ]`;
	mkdirSync(CONTAINER.path, { recursive: true });
	writeFileSync(join(CONTAINER.path, 'pid'), String(process.pid));
	spawn('sh', ['-c', `${wait}; ${ours} && { ${stop}; rm -rf ${CONTAINER.path}; }`], {
		detached: true,
		stdio: 'ignore'
	}).unref();
}

/** A running Debian 12 as Proxmox would have it: systemd, a static address, root, nothing of ours. */
export class Container {
	readonly address = CONTAINER.address;
	readonly rootfs = join(CONTAINER.path, NAME, 'rootfs');

	constructor(base: string, proxy: string) {
		mkdirSync(join(CONTAINER.path, NAME), { recursive: true });
		execFileSync('cp', ['-a', base, this.rootfs]);
		this.put(
			'/etc/apt/sources.list',
			['', '-updates']
				.map((suite) => `deb http://deb.debian.org/debian bookworm${suite} main\n`)
				.join('') + 'deb http://deb.debian.org/debian-security bookworm-security main\n'
		);
		this.put(
			'/etc/apt/apt.conf.d/00proxy',
			`Acquire::http::Proxy "${proxy}";\nAcquire::Languages "none";\n`
		);
		// What is thrown away afterwards need not be safe from a power cut.
		this.put('/etc/dpkg/dpkg.cfg.d/fast', 'force-unsafe-io\nno-debsig\n');
		// A container has a network and resolves names; this one knows the one that is asked for.
		this.put('/etc/hosts', `127.0.0.1 localhost ${NAME}\n${BRIDGE.address} deb.debian.org\n`);
		this.put('/etc/hostname', `${NAME}\n`);
		writeFileSync(
			join(CONTAINER.path, NAME, 'config'),
			[
				`lxc.rootfs.path = dir:${this.rootfs}`,
				`lxc.uts.name = ${NAME}`,
				'lxc.net.0.type = veth',
				`lxc.net.0.link = ${BRIDGE.name}`,
				'lxc.net.0.name = eth0',
				'lxc.net.0.flags = up',
				`lxc.net.0.ipv4.address = ${this.address}/24`,
				`lxc.net.0.ipv4.gateway = ${BRIDGE.address}`,
				'lxc.apparmor.profile = unconfined',
				'lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed',
				'lxc.autodev = 1',
				'lxc.tty.max = 0',
				'lxc.pty.max = 64',
				''
			].join('\n')
		);
	}

	put(path: string, text: string): void {
		mkdirSync(join(this.rootfs, path, '..'), { recursive: true });
		writeFileSync(join(this.rootfs, path), text);
	}

	read(path: string): string {
		return readFileSync(join(this.rootfs, path), 'utf8');
	}

	copyIn(from: string, to: string): void {
		cpSync(from, join(this.rootfs, to), { recursive: true });
	}

	async start(): Promise<void> {
		execFileSync('lxc-start', ['-P', CONTAINER.path, '-n', NAME, '-d'], { stdio: 'pipe' });
		const end = Date.now() + 150_000;
		for (;;) {
			const { stdout, stderr } = await this.exec(['systemctl', 'is-system-running']);
			if (/^(running|degraded)/.test(stdout)) return;
			if (Date.now() > end) {
				const { stdout: jobs } = await this.exec(['systemctl', 'list-jobs', '--no-pager']);
				throw new Error(`the container does not come up: ${stdout}${stderr}${jobs}`);
			}
			await sleep(200);
		}
	}

	/** Lets the system inside end by itself, which its services see. */
	async stop(): Promise<void> {
		await run('lxc-stop', ['-P', CONTAINER.path, '-n', NAME, '-t', '60']);
	}

	/** As `pct exec VMID --keep-env 0 -- …` does. */
	exec(argv: string[], input = ''): Promise<Ran> {
		return run('lxc-attach', ['-P', CONTAINER.path, '-n', NAME, '--clear-env', '--', ...argv], {
			input
		});
	}

	/** Where `pct` comes first: a Proxmox host with this container alone, for the script that runs there. */
	asProxmoxHost(vmid: number): NodeJS.ProcessEnv {
		const folder = join(CONTAINER.path, 'bin');
		mkdirSync(folder, { recursive: true });
		const attach = `lxc-attach -P ${CONTAINER.path} -n ${NAME} --clear-env`;
		writeFileSync(
			join(folder, 'pct'),
			`#!/bin/bash
verb=$1; [[ $2 == ${vmid} ]] || { echo "no such CT $2" >&2; exit 2; }
shift 2
case $verb in
	status) echo "status: $(lxc-info -P ${CONTAINER.path} -n ${NAME} -s -H | tr A-Z a-z)" ;;
	start) lxc-start -P ${CONTAINER.path} -n ${NAME} -d ;;
	exec) [[ "$1 $2 $3" == '--keep-env 0 --' ]] || { echo 'unexpected options' >&2; exit 255; }; shift 3; exec ${attach} -- "$@" ;;
	push) exec ${attach} -- sh -c 'cat > "$1"' sh "$2" < "$1" ;;
	shutdown) lxc-stop -P ${CONTAINER.path} -n ${NAME} -t 60 ;;
	template) [[ $(lxc-info -P ${CONTAINER.path} -n ${NAME} -s -H) == STOPPED ]] && touch ${CONTAINER.path}/template ;;
	*) exit 255 ;;
esac
`,
			{ mode: 0o755 }
		);
		return { ...process.env, PATH: `${folder}:${process.env.PATH}` };
	}

	/** Whether `pct template` was asked for, after a shutdown. */
	get isTemplate(): boolean {
		return existsSync(join(CONTAINER.path, 'template'));
	}
}
