import { createHash } from 'node:crypto';
import { lockOf, rootBytes, type Cluster } from '../proxmox/cluster.ts';
import type { ContainerState } from '../proxmox/state.ts';
import { runCloudflared } from '../cloudflared/commands.ts';
import { runNginx } from '../nginx/commands.ts';
import { putFile, runInGuest } from '../odoo/commands.ts';
import { archiveAt } from '../odoo/setup.ts';
import { outcome, type Invocation, type Outcome } from './shell.ts';

/** What root's shell on a node knows: `pct`, the digests of backup archives, cloudflared where it is, and nothing else. */
export async function runOnNode(
	cluster: Cluster,
	node: string,
	invocation: Invocation
): Promise<Outcome> {
	const [program = '', verb = '', ...args] = invocation.argv;
	const place = { node, vmid: null };
	const told =
		runCloudflared(cluster.kernel, place, invocation) ??
		runNginx(cluster.kernel, place, invocation);
	if (told) return told;
	if (program.split('/').at(-1) === 'sha256sum') return digests(cluster, invocation.argv.slice(1));
	if (program.split('/').at(-1) !== 'pct') {
		return outcome(127, '', `bash: line 1: ${program}: command not found\n`);
	}
	if (verb === 'list') return outcome(0, list(cluster, node));
	const run = VERBS[verb];
	if (!run) return outcome(255, '', `ERROR: unknown command 'pct ${verb}'\n${USAGE}`);
	const vmid = args[0] ?? '';
	if (!/^\d+$/.test(vmid) || Number(vmid) < 100) {
		return outcome(
			255,
			'',
			`400 Parameter verification failed.\nvmid: type check ('integer') failed - got '${vmid}'\n${USAGE}`
		);
	}
	const container = cluster.state.containers[vmid];
	if (!container || container.node !== node) {
		return outcome(2, '', `Configuration file 'nodes/${node}/lxc/${vmid}.conf' does not exist\n`);
	}
	return run(cluster, container, args.slice(1), invocation);
}

/** `sha256sum [--] FILE…` over what vzdump wrote. */
function digests(cluster: Cluster, args: string[]): Outcome {
	let output = '';
	for (const path of args.filter((arg) => arg !== '--')) {
		const backup = cluster.state.backups.find(
			({ storage, volid }) => path === `/mnt/pve/${storage}/dump/${volid.split('/')[1]}`
		);
		if (!backup) return outcome(1, output, `sha256sum: ${path}: No such file or directory\n`);
		const content = Buffer.from(backup.content, 'base64');
		output += `${createHash('sha256').update(content).digest('hex')}  ${path}\n`;
	}
	return outcome(0, output);
}

const USAGE = 'USAGE: pct <COMMAND> [ARGS] [OPTIONS]\n';

type Run = (
	cluster: Cluster,
	container: ContainerState,
	args: string[],
	invocation: Invocation
) => Outcome | Promise<Outcome>;

const VERBS: Record<string, Run> = {
	status: (_cluster, container) => outcome(0, `status: ${container.status}\n`),
	config: (_cluster, container) => {
		const lines = Object.entries(container.config).map(([key, value]) => `${key}: ${value}\n`);
		return outcome(0, lines.sort().join(''), '');
	},
	df: (cluster, container) => {
		const size = rootBytes(container);
		const used = cluster.diskUsed(container);
		const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)}G`;
		const row = [
			'rootfs',
			String(container.config.rootfs).split(',')[0]!,
			gib(size),
			gib(used),
			gib(size - used),
			(used / size).toFixed(1),
			'/'
		];
		return outcome(0, `MP     Volume               Size Used Avail Use% Path\n${row.join(' ')}\n`);
	},
	unlock: (cluster, container) => {
		delete container.config.lock;
		cluster.changed();
		return outcome(0);
	},
	exec: execute,
	push: (cluster, container, args) => {
		const [from = '', to = ''] = args;
		const content = archiveAt(from);
		if (!content) return outcome(255, '', `failed to open ${from} for reading: No such file\n`);
		if (container.status !== 'running')
			return outcome(255, '', `can't push file: CT ${container.vmid} is not running\n`);
		return putFile(cluster, container, to, content);
	}
};

function execute(
	cluster: Cluster,
	container: ContainerState,
	args: string[],
	invocation: Invocation
): Outcome | Promise<Outcome> {
	const words = [...args];
	let keepEnvironment = true;
	while (words[0] !== undefined && words[0] !== '--') {
		if (words[0] === '--keep-env' || words[0] === '-keep-env') {
			keepEnvironment = words[1] !== '0';
			words.splice(0, 2);
		} else if (words[0].startsWith('-')) {
			return outcome(
				255,
				'',
				`Unknown option: ${words[0].replace(/^-+/, '')}\n400 unable to parse option\n${USAGE}`
			);
		} else {
			break;
		}
	}
	if (words[0] === '--') words.shift();
	if (words.length === 0) return outcome(255, '', `400 not enough arguments\n${USAGE}`);
	if (container.status !== 'running') {
		return outcome(255, '', `container '${container.vmid}' not running!\n`);
	}
	const env = keepEnvironment ? invocation.env : {};
	return runInGuest(cluster, container, { ...invocation, argv: words, env });
}

function list(cluster: Cluster, node: string): string {
	const rows = cluster
		.onNode(node)
		.map((container) =>
			[
				String(container.vmid).padEnd(10),
				container.status.padEnd(10),
				(lockOf(container) ?? '').padEnd(12),
				String(container.config.hostname ?? '')
			].join(' ')
		);
	return ['VMID       Status     Lock         Name', ...rows, ''].join('\n');
}
