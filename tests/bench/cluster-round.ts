/**
 * One worker's rounds over a cluster of 50 nodes and 5,000 containers: health, then metrics. Leaves its rows in the
 * database of DATABASE_URL, so that pages can be looked at with them. Says its figures as one line of JSON.
 */
import { db, transaction } from '#lib/core/db.server.ts';
import { collectMetrics } from '#lib/infrastructure/metrics/metrics.server.ts';
import { enrolCluster } from '#lib/infrastructure/nodes/enrol.server.ts';
import { checkNodes } from '#lib/infrastructure/nodes/nodes.server.ts';
import { closeSsh } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { FIRST_VMID } from '../../src/sandbox/proxmox/large.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { surveyWorld } from '../factories/world.ts';

const [nodes, containersPerNode, rounds] = process.argv.slice(2).map(Number);
if (!nodes || !containersPerNode || !rounds) throw new Error('nodes, containers per node, rounds');

const sandbox = await startSandbox({
	...{ dataDir: null, speed: 0, basePort: 0 },
	cluster: { nodes, containersPerNode }
});
process.env.SSH_KEY_PATH = sandbox.vendors.ssh[0]!.key_path;
const survey = await surveyWorld(sandbox.vendors);
await transaction(async (tx) => {
	// What is measured is this cluster: the demo's own is another's.
	await tx.node.updateMany({ data: { removedAt: new Date() } });
	await enrolCluster(tx, {
		...{ name: 'bench', odooVersion: '18.0', templatePrefix: 'tpl_18', rootfsStorage: 'ceph' },
		...{ backupStorage: 'nfs-backup', ...survey },
		pool: { name: 'bench', bridge: 'vmbr0', network: '10.30.0.0/16', gateway: '10.30.0.1' }
	});
	await tx.$executeRaw`
		INSERT INTO lxc_containers (id, cluster_id, node_id, vmid, hostname, purpose, cpu_cores, ram_mb, disk_gb, status)
		SELECT gen_random_uuid(), node.cluster_id, node.id, vmid, 'erp-' || vmid, 'odoo', 2, 4096, 50, 'running'
		FROM proxmox_nodes node JOIN proxmox_clusters cluster ON cluster.id = node.cluster_id AND cluster.name = 'bench',
			LATERAL (SELECT ${FIRST_VMID}::int + (substr(node.name, 4)::int - 1) * ${containersPerNode}::int + nth AS vmid
				FROM generate_series(0, ${containersPerNode - 1}::int) nth) made`;
	await tx.$executeRaw`
		WITH made AS (SELECT id AS container, hostname, gen_random_uuid() AS customer FROM lxc_containers WHERE vmid >= ${FIRST_VMID}::int),
		customers AS (INSERT INTO customers (id, company_name, full_name, email, updated_at)
			SELECT customer, hostname, 'Ana Mora', hostname || '@round.example', now() FROM made)
		INSERT INTO tenant_deployments (id, customer_id, plan_id, base_domain_id, container_id, subdomain, database_name, isolation,
			status, published, updated_at)
		SELECT gen_random_uuid(), customer, plan.id, base.id, container, hostname, hostname, 'dedicated', 'active', true, now()
		FROM made, (SELECT id FROM plans LIMIT 1) plan, (SELECT id FROM base_domains LIMIT 1) base`;
	await tx.$executeRaw`ANALYZE lxc_containers, tenant_deployments, proxmox_nodes`;
});
// The template's address is one of the sandbox's and of nobody else.
const seconds: { health: number; metrics: number }[] = [];
const calls: number[] = [];
for (let round = 0; round < rounds; round += 1) {
	sandbox.kernel.calls.clear();
	const begun = performance.now();
	await checkNodes();
	const looked = performance.now();
	await collectMetrics();
	seconds.push({ health: (looked - begun) / 1_000, metrics: (performance.now() - looked) / 1_000 });
	calls.push(sandbox.kernel.calls.list({ vendor: 'proxmox' }).length);
}
const stored = await db.resourceMetric.count();
console.log(JSON.stringify({ seconds, calls, nodes, stored }));
closeSsh();
await db.$disconnect();
await sandbox.close();
