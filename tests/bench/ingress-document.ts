/**
 * Builds and compares the document of a tunnel with a thousand hosts, as its job does each minute; what it writes into the
 * database it takes back. Says its figures as one line of JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { db } from '#lib/core/db.server.ts';
import { derivedRules } from '#lib/domains/tunnels/derivedIngress.server.ts';
import { sameIngress } from '#lib/domains/tunnels/ingress.ts';
import { diffIngress } from '#lib/domains/tunnels/ingressDiff.ts';
import { createCluster } from '../factories/infrastructure.ts';
import { aTunnel } from '../factories/tunnels.ts';

const TENANTS = 500;
const LOOKS = 100;
const TAKEN_BACK = new Error('taken back');

const times = { built: [] as number[], compared: [] as number[] };
let hosts = 0;
let rules = 0;
await db
	.$transaction(
		async (tx) => {
			const tunnel = await aTunnel(tx);
			if (!(await tx.node.findFirst())) await createCluster(tx);
			await tx.baseDomain.create({
				data: { name: 'bench.example', zoneId: 'bench', tunnelId: tunnel.id }
			});
			await tx.$executeRaw`
				WITH made AS (SELECT n, gen_random_uuid() AS customer, gen_random_uuid() AS tenant, gen_random_uuid() AS container
					FROM generate_series(1, ${TENANTS}::int) n),
				customers AS (INSERT INTO customers (id, company_name, full_name, email, updated_at)
					SELECT customer, 'Empresa ' || n, 'Ana Mora', 'i' || n || '@bench.example', now() FROM made),
				containers AS (INSERT INTO lxc_containers (id, cluster_id, node_id, vmid, hostname, purpose, cpu_cores, ram_mb, disk_gb, ip_address)
					SELECT container, node.cluster_id, node.id, 800000 + n, 'bench-' || n, 'odoo', 1, 1024, 10,
						'10.99.' || n / 250 || '.' || n % 250
					FROM made, (SELECT id, cluster_id FROM proxmox_nodes LIMIT 1) node),
				tenants AS (INSERT INTO tenant_deployments (id, customer_id, plan_id, base_domain_id, container_id, tunnel_id, subdomain,
						database_name, isolation, status, published, updated_at)
					SELECT tenant, customer, plan.id, base.id, container, ${tunnel.id}::uuid, 'bench-' || n, 'bench_' || n, 'dedicated',
						'active', true, now()
					FROM made, (SELECT id FROM plans LIMIT 1) plan, (SELECT id FROM base_domains WHERE name = 'bench.example') base)
				INSERT INTO custom_domains (id, customer_id, tenant_deployment_id, external_domain, driver, verification_status,
					verification_name, verification_token, verified_at, published, updated_at)
				SELECT gen_random_uuid(), customer, tenant, 'erp.bench-' || n || '.com', 'custom_hostname', 'active',
					'_erp-verify.bench', 'token', now(), true, now() FROM made`;
			await tx.$executeRaw`ANALYZE tenant_deployments, custom_domains, lxc_containers`;
			const stands = structuredClone(await derivedRules(tx, tunnel.id));
			hosts = new Set(stands.map(({ hostname }) => hostname)).size - 1;
			rules = stands.length;
			for (let look = 0; look < LOOKS; look += 1) {
				const at = performance.now();
				const derived = await derivedRules(tx, tunnel.id);
				const then = performance.now();
				if (!sameIngress(stands, derived)) throw new Error('it is not the same');
				diffIngress(stands, derived);
				times.built.push(then - at);
				times.compared.push(performance.now() - then);
				// As in life: not one look right after the other.
				await sleep(5);
			}
			throw TAKEN_BACK;
		},
		{ timeout: 60_000 }
	)
	.catch((error: unknown) => {
		if (error !== TAKEN_BACK) throw error;
	});
console.log(JSON.stringify({ hosts, rules, ...times }));
await db.$disconnect();
