import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { transaction } from '#lib/core/db.server.ts';
import { enrolCluster } from '#lib/infrastructure/nodes/enrol.server.ts';
import { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import { clusterOf, type Cluster } from '../../src/sandbox/proxmox/cluster.ts';
import { startProxmox } from '../../src/sandbox/proxmox/server.ts';
import { startSsh } from '../../src/sandbox/ssh/server.ts';
import { surveyWorld } from '../factories/world.ts';
import type { TestPlatform } from './platform.ts';

/**
 * Another cluster beside the platform's, with nodes of the same names, templates of the same VMIDs, and addresses of its own;
 * the tunnels' connectors reach both. It lets in the same SSH key.
 */
export async function secondCluster({
	sandbox
}: Pick<TestPlatform, 'sandbox'>): Promise<{ clusterId: string; cluster: Cluster }> {
	const kernel = new Kernel({ dataDir: null, speed: 0 });
	const folder = mkdtempSync(join(tmpdir(), 'sandbox-second-'));
	mkdirSync(join(folder, 'ssh'));
	const keys = dirname(sandbox.vendors.ssh[0]!.key_path);
	for (const file of ['id_ed25519', 'id_ed25519.pub'])
		copyFileSync(join(keys, file), join(folder, 'ssh', file));
	const proxmox = await startProxmox(kernel, { ports: [], dataDir: null });
	const ssh = await startSsh(kernel, { ports: [], dataDir: folder });
	afterAll(async () => {
		await Promise.all([proxmox.close(), ssh.close()]);
		rmSync(folder, { recursive: true, force: true });
	});
	const { network } = sandbox.kernel;
	const first = network.service.bind(network);
	network.service = (address, port) =>
		first(address, port) ?? kernel.network.service(address, port);
	const { storages: _storages, ...survey } = await surveyWorld({
		...sandbox.vendors,
		...{ proxmox: proxmox.nodes, ssh: ssh.nodes }
	});
	const { clusterId } = await transaction((tx) =>
		enrolCluster(tx, {
			...{ name: 'quito', region: 'default', odooVersion: '18.0', templatePrefix: 'tpl_18' },
			...{ rootfsStorage: 'ceph', backupStorage: 'nfs-backup', ...survey },
			pool: {
				...{ name: 'tenants-quito', bridge: 'vmbr0' },
				...{ network: '10.30.20.0/24', gateway: '10.30.20.1' }
			}
		})
	);
	return { clusterId, cluster: clusterOf(kernel) };
}
