import { db } from '#lib/core/db.server.ts';
import { recorderOf } from '../../infrastructure/nodes/clients.server.ts';
import { sshOn } from '../../infrastructure/nodes/sshPool.server.ts';
import { VendorError } from '../../integrations/errors.ts';
import type { ExecResult } from '../../integrations/ssh/ssh.server.ts';
import { tarOf, type EdgeFile } from './edgeArchive.ts';
import { DEBIAN_LAYOUT } from './edgeConfig.ts';

const { root, statusPort } = DEBIAN_LAYOUT;
/** What nginx reads at its start: a link to the release in force. */
export const MAIN = '/etc/nginx/nginx.conf';
/** What stood there before we came. */
const BEFORE = `${MAIN}.before-erp-core`;
const NEXT = `${root}/next`;
/** As many names as stand in one command. */
const AT_ONCE = 200;

/** nginx refuses, or does not do what it was told. */
export class EdgeError extends VendorError {
	constructor(operation: string, message: string) {
		super({ vendor: 'nginx', operation, message: message.trim().slice(0, 1_000) });
		this.name = 'EdgeError';
	}
}

/** The commands of an edge server: on its node, or in its container. Close it after use. @throws {SshError} */
export async function edgeShell(edgeServerId: string) {
	const { nodeId, vmid } = await db.edgeServer.findUniqueOrThrow({
		where: { id: edgeServerId },
		select: { nodeId: true, vmid: true }
	});
	const shared = await sshOn(nodeId);
	const record = recorderOf({ subjectId: edgeServerId });

	const run = (
		operation: string,
		changes: boolean,
		argv: string[],
		stdin?: string | Buffer
	): Promise<ExecResult> => {
		const options = { changes, call: null, ...(stdin === undefined ? {} : { stdin }) };
		const request = { argv, stdinBytes: stdin?.length ?? 0 };
		return record({ vendor: 'ssh', operation, request, changes }, () =>
			vmid === null ? shared.client.exec(argv, options) : shared.client.pctExec(vmid, argv, options)
		);
	};
	const must = async (...args: Parameters<typeof run>): Promise<ExecResult> => {
		const result = await run(...args);
		if (result.code !== 0)
			throw new EdgeError(args[0], result.stderr || result.stdout || `exit code ${result.code}`);
		return result;
	};
	const names = async (folder: string): Promise<string[]> => {
		const { code, stdout } = await run('edge.list', false, ['ls', '-1', `${root}/${folder}`]);
		return code === 0 ? stdout.split('\n').filter(Boolean) : [];
	};
	const point = async (to: string): Promise<void> => {
		// Two steps, the second of which is one: nginx.conf is there at every moment.
		if (to === BEFORE) await must('edge.switch', true, ['cp', '-p', BEFORE, NEXT]);
		else await must('edge.switch', true, ['ln', '-sfn', to, NEXT]);
		await must('edge.switch', true, ['mv', '-fT', NEXT, MAIN]);
	};

	return {
		/** How this nginx is told of HTTP/2. @throws {EdgeError} when there is none */
		http2: async (): Promise<'directive' | 'listen'> => {
			const { stderr, stdout } = await must('edge.version', false, ['nginx', '-v']);
			const [, minor = '0', patch = '0'] = /nginx\/\d+\.(\d+)\.(\d+)/.exec(stderr + stdout) ?? [];
			return Number(minor) * 1_000 + Number(patch) >= 25_001 ? 'directive' : 'listen';
		},
		/** Path of the release that nginx.conf leads to; its own when it is no link; null when there is none. */
		current: async (): Promise<string | null> => {
			const { code, stdout } = await run('edge.current', false, ['readlink', '-e', MAIN]);
			return code === 0 ? stdout.trim() : null;
		},
		/** The release that the workers serve; null when none of ours answers. */
		serving: async (): Promise<string | null> => {
			const url = `http://127.0.0.1:${statusPort}/release`;
			const argv = ['curl', '-sS', '--max-time', '5', url];
			const { code, stdout } = await run('edge.serving', false, argv);
			return code === 0 && /^[0-9a-f]+$/.test(stdout.trim()) ? stdout.trim() : null;
		},
		/** Ids of the certificates that lie there with their keys. */
		certificates: async (): Promise<Set<string>> => {
			const files = new Set(await names('certs'));
			const ids = [...files].flatMap((name) => /^([0-9a-f]+)\.pem$/.exec(name)?.[1] ?? []);
			return new Set(ids.filter((id) => files.has(`${id}.key`)));
		},
		/** Whether files stand there as they should. @param digests path below our folder → SHA-256 in hexadecimal */
		fits: async (digests: Map<string, string>): Promise<boolean> => {
			const list = [...digests].map(([path, digest]) => `${digest}  ${root}/${path}\n`).join('');
			const argv = ['sha256sum', '--check', '--quiet', '--strict', '-'];
			return (await run('edge.check', false, argv, list)).code === 0;
		},
		write: async (release: string, files: EdgeFile[]): Promise<void> => {
			const folders = [`${root}/releases/${release}`, `${root}/certs`];
			await must('edge.write', true, ['mkdir', '-p', ...folders]);
			const argv = ['tar', '--extract', '--preserve-permissions', '--no-same-owner'];
			await must('edge.write', true, [...argv, '-f', '-', '-C', root], tarOf(files));
		},
		/** @throws {EdgeError} with nginx's words */
		test: async (path: string): Promise<void> => {
			await must('edge.test', false, ['nginx', '-t', '-c', path]);
		},
		/** Makes a release the one that nginx reads, atomically; what was there before us is kept once. */
		use: async (path: string, current: string | null): Promise<void> => {
			if (current === MAIN) await must('edge.switch', true, ['cp', '-p', '-n', MAIN, BEFORE]);
			await point(path);
		},
		/** Goes back to a release, or to what stood there before us. */
		back: async (path: string | null): Promise<void> => {
			await point(path ?? BEFORE);
		},
		/** Workers take the new configuration; connections under way end with the old ones. */
		reload: async (): Promise<void> => {
			await must('edge.reload', true, ['nginx', '-s', 'reload']);
		},
		/** Removes releases and certificates except those named, and those that the kept releases name. */
		prune: async (releases: string[], certificates: Set<string>): Promise<void> => {
			const kept = new Set(certificates);
			const old = (await names('releases')).filter((name) => /^[0-9a-f]+$/.test(name));
			for (const name of old.filter((one) => releases.includes(one))) {
				const argv = ['cat', `${root}/releases/${name}/nginx.conf`];
				const { stdout } = await run('edge.read', false, argv);
				for (const [, id = ''] of stdout.matchAll(/\/certs\/([0-9a-f]+)\.pem;/g)) kept.add(id);
			}
			const gone = [
				...old.filter((name) => !releases.includes(name)).map((name) => `${root}/releases/${name}`),
				...(await names('certs'))
					.filter((name) => /^[0-9a-f]+\.(pem|key)$/.test(name) && !kept.has(name.slice(0, -4)))
					.map((name) => `${root}/certs/${name}`)
			];
			for (let from = 0; from < gone.length; from += AT_ONCE) {
				const some = gone.slice(from, from + AT_ONCE);
				await must('edge.prune', true, ['rm', '-rf', '--', ...some]);
			}
		},
		close: (): void => shared.release()
	};
}

export type EdgeShell = Awaited<ReturnType<typeof edgeShell>>;

/** nginx.conf of a release. */
export function releasePath(release: string): string {
	return `${root}/releases/${release}/nginx.conf`;
}
