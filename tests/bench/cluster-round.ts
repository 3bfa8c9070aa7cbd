/**
 * One worker's rounds over 50 nodes and 5,000 containers: health, and with it metrics. `one`: all nodes are one cluster;
 * `many`: each stands alone. Leaves its rows in the database of DATABASE_URL, so that pages can be looked at with them. Says
 * its figures as one line of JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MINUTE, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { watchClusters } from '#lib/infrastructure/metrics/metrics.server.ts';
import { enrolCluster } from '#lib/infrastructure/nodes/enrol.server.ts';
import { closeSsh } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { Kernel } from '../../src/sandbox/kernel/kernel.ts';
import { clusterOf } from '../../src/sandbox/proxmox/cluster.ts';
import { enlarge, FIRST_VMID } from '../../src/sandbox/proxmox/large.ts';
import { startProxmox } from '../../src/sandbox/proxmox/server.ts';
import { startSsh } from '../../src/sandbox/ssh/server.ts';
import { surveyWorld } from '../factories/world.ts';

const [shape, ...counts] = process.argv.slice(2);
const [nodes, containersPerNode, rounds] = counts.map(Number);
if ((shape !== 'one' && shape !== 'many') || !nodes || !containersPerNode || !rounds)
	throw new Error('one or many, nodes, containers per node, rounds');

/** Keys of all of them: a worker has one. */
const dataDir = mkdtempSync(join(tmpdir(), 'bench-cluster-'));
const sizes = shape === 'one' ? [nodes] : Array.from({ length: nodes }, () => 1);
const stands = await Promise.all(sizes.map(stand));
process.env.SSH_KEY_PATH = join(dataDir, 'ssh', 'id_ed25519');

async function stand(members: number) {
	const kernel = new Kernel({ dataDir: null, speed: 0 });
	const cluster = clusterOf(kernel);
	cluster.state.nodes.length = Math.min(members, cluster.state.nodes.length);
	enlarge(cluster, { nodes: members, containersPerNode: containersPerNode! });
	const proxmox = await startProxmox(kernel, { ports: [], dataDir });
	const ssh = await startSsh(kernel, { ports: [], dataDir });
	return { kernel, proxmox, ssh };
}

const surveys = await Promise.all(
	stands.map(({ proxmox, ssh }) => surveyWorld({ proxmox: proxmox.nodes, ssh: ssh.nodes }))
);
await transaction(async (tx) => {
	// What is measured are these clusters: the demo's own is another's.
	await tx.node.updateMany({ data: { removedAt: new Date() } });
	for (const [index, survey] of surveys.entries())
		await enrolCluster(tx, {
			...{ name: `bench-${shape}-${index}`, odooVersion: '18.0', templatePrefix: 'tpl_18' },
			...{ rootfsStorage: 'ceph', backupStorage: 'nfs-backup' },
			...{ nodes: survey.nodes, template: survey.template },
			pool: { name: 'bench', bridge: 'vmbr0', network: '10.30.0.0/16', gateway: '10.30.0.1' }
		});
	await tx.$executeRaw`
			INSERT INTO lxc_containers (id, cluster_id, node_id, vmid, hostname, purpose, cpu_cores, ram_mb, disk_gb, status)
			SELECT gen_random_uuid(), node.cluster_id, node.id, vmid, 'erp-' || vmid, 'odoo', 2, 4096, 50, 'running'
			FROM proxmox_nodes node JOIN proxmox_clusters cluster ON cluster.id = node.cluster_id AND cluster.name LIKE ${`bench-${shape}-%`},
				LATERAL (SELECT ${FIRST_VMID}::int + (substr(node.name, 4)::int - 1) * ${containersPerNode}::int + nth AS vmid
					FROM generate_series(0, ${containersPerNode - 1}::int) nth) made`;
	await tx.$executeRaw`
			WITH made AS (SELECT container.id AS container, 'erp-' || container.id AS name, gen_random_uuid() AS customer
				FROM lxc_containers container JOIN proxmox_clusters cluster ON cluster.id = container.cluster_id
				WHERE vmid >= ${FIRST_VMID}::int AND cluster.name LIKE ${`bench-${shape}-%`}),
			customers AS (INSERT INTO customers (id, company_name, full_name, email, updated_at)
				SELECT customer, name, 'Ana Mora', name || '@round.example', now() FROM made)
			INSERT INTO tenant_deployments (id, customer_id, plan_id, base_domain_id, container_id, subdomain, database_name, isolation,
				status, published, updated_at)
			SELECT gen_random_uuid(), customer, plan.id, base.id, container, name, name, 'dedicated', 'active', true, now()
			FROM made, (SELECT id FROM plans LIMIT 1) plan, (SELECT id FROM base_domains LIMIT 1) base`;
	await tx.$executeRaw`ANALYZE lxc_containers, tenant_deployments, proxmox_nodes`;
});
// The first round knows nothing yet and asks everything; the others are what there is every minute.
const seconds: number[] = [];
const calls: number[] = [];
for (let round = 0; round <= rounds; round += 1) {
	// So far apart that each of them stores what is used.
	setClockOffset(round * 5 * MINUTE);
	for (const { kernel } of stands) kernel.calls.clear();
	const begun = performance.now();
	await watchClusters();
	seconds.push((performance.now() - begun) / 1_000);
	calls.push(
		stands.reduce((sum, { kernel }) => sum + kernel.calls.list({ vendor: 'proxmox' }).length, 0)
	);
}
const stored = await db.resourceMetric.count();
console.log(JSON.stringify({ seconds, calls, nodes, stored }));
await closeSsh();
await db.$disconnect();
await Promise.all(stands.flatMap(({ proxmox, ssh }) => [proxmox.close(), ssh.close()]));
rmSync(dataDir, { recursive: true, force: true });
