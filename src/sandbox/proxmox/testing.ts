import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { Kernel } from '../kernel/kernel.ts';
import { clusterOf } from './cluster.ts';
import { startProxmox } from './server.ts';

export interface Answer {
	status: number;
	reason: string;
	text: string;
	/** The parsed body; null when it is empty. */
	body: { data: unknown; message?: string; errors?: Record<string, string>; total?: number } | null;
}

/** A cluster of its own with an ordinary HTTPS client, for tests. @param speed 0: every task ends at once */
export async function testCluster(speed = 0) {
	const kernel = new Kernel({ dataDir: null, speed });
	const standIn = await startProxmox(kernel, { ports: [], dataDir: null });
	const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
	const token = standIn.nodes[0]!.token;

	const request = async (
		method: string,
		path: string,
		options: {
			form?: object;
			json?: object;
			token?: string | null;
			node?: number;
			body?: string;
		} = {}
	): Promise<Answer> => {
		const used = options.token === undefined ? token : options.token;
		const body = options.json
			? JSON.stringify(options.json)
			: options.form
				? new URLSearchParams(
						Object.entries(options.form).map(([key, value]) => [key, String(value)])
					).toString()
				: options.body;
		const response = await fetch(`${standIn.nodes[options.node ?? 0]!.url}/api2/json${path}`, {
			method,
			dispatcher,
			headers: {
				...(used === null ? {} : { authorization: `PVEAPIToken=${used}` }),
				...(body === undefined
					? {}
					: {
							'content-type': options.json
								? 'application/json'
								: 'application/x-www-form-urlencoded'
						})
			},
			body
		});
		const text = await response.text();
		return {
			status: response.status,
			reason: response.statusText,
			text,
			body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : null
		};
	};

	/** The data of a call that must work. */
	const data = async (method: string, path: string, form?: object): Promise<unknown> => {
		const answer = await request(method, path, { form });
		if (answer.status !== 200)
			throw new Error(`${method} ${path}: ${answer.status} ${answer.reason} ${answer.text}`);
		return answer.body?.data;
	};

	const statusOf = async (upid: string): Promise<{ status: string; exitstatus?: string }> => {
		const node = upid.split(':')[1];
		const status = await data('GET', `/nodes/${node}/tasks/${encodeURIComponent(upid)}/status`);
		return status as { status: string; exitstatus?: string };
	};

	/** Starts a task and waits until it has ended. @returns its exit status */
	const task = async (method: string, path: string, form?: object): Promise<string> => {
		const upid = String(await data(method, path, form));
		for (;;) {
			const { status, exitstatus } = await statusOf(upid);
			if (status === 'stopped') return exitstatus ?? '';
			await sleep(5);
		}
	};

	return {
		kernel,
		standIn,
		cluster: clusterOf(kernel),
		request,
		data,
		task,
		statusOf,
		/** A running container with Odoo 18, cloned from the template. */
		runningContainer: async (
			vmid: number,
			node = 'pve1',
			ip = `10.20.1.${vmid % 250}`
		): Promise<void> => {
			await task('POST', '/nodes/pve1/lxc/9018/clone', {
				newid: vmid,
				full: 1,
				target: node,
				hostname: `ct${vmid}`
			});
			await data('PUT', `/nodes/${node}/lxc/${vmid}/config`, {
				net0: `name=eth0,bridge=vmbr0,ip=${ip}/16,gw=10.20.0.1`
			});
			await task('POST', `/nodes/${node}/lxc/${vmid}/status/start`);
		},
		close: async (): Promise<void> => {
			await dispatcher.close();
			await standIn.close();
		}
	};
}

export type TestCluster = Awaited<ReturnType<typeof testCluster>>;
