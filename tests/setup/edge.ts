import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { acmeDocument } from '../../src/sandbox/acme/state.ts';
import { nginxDocument } from '../../src/sandbox/nginx/state.ts';
import { now, setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { patience } from '#lib/domains/edge/acme.server.ts';
import { patience as requests } from '#lib/domains/edge/acmeAccount.server.ts';
import { keyAuthorization } from '#lib/domains/edge/acmeChallenge.server.ts';
import '#lib/domains/edge/certificateJobs.server.ts';
import { convergeEdge } from '#lib/domains/edge/edgeServers.server.ts';
import '#lib/domains/custom/domainJobs.server.ts';
import { closeSsh } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { createEdge, createEdgeDomain } from '../factories/edge.ts';
import { clusterEnrolment, createCluster, nodeEnrolment } from '../factories/infrastructure.ts';
import { testDatabase } from './database.ts';
import { testQueue } from './queue.ts';
import { registrar } from './registrar.ts';
import { testSandbox } from './sandbox.ts';

/** What the control plane answers to a certificate authority, over HTTP as the edge asks it. */
async function controlPlane(): Promise<string> {
	const app = createServer((incoming, response) => {
		const token = /^\/\.well-known\/acme-challenge\/([^/]+)$/.exec(incoming.url ?? '')?.[1];
		void keyAuthorization(token ?? '').then((text) => {
			response.statusCode = text === null ? 404 : 200;
			response.end(text ?? '');
		});
	});
	await new Promise<void>((up) => app.listen(0, '127.0.0.1', up));
	afterAll(() => {
		app.closeAllConnections();
		app.close();
	});
	return `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
}

/** An edge server in a sandbox with a certificate authority; nobody works in the queue. */
export async function testEdge() {
	process.env.INTERNAL_URL = await controlPlane();
	await testDatabase();
	const { kernel, vendors, url } = await testSandbox();
	await testQueue({ work: false });
	Object.assign(patience, { waitMs: 5_000, pollMs: 10, againSeconds: 0 });
	requests.requestMs = 500;
	const [first] = vendors.ssh;
	const access = { sshHost: first!.host, sshPort: first!.port, sshHostKey: first!.host_key };
	const nodes = [nodeEnrolment({ name: 'pve1', ...access })];
	await createCluster(db, clusterEnrolment({ nodes }));
	const { id: nodeId } = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
	const dns = registrar({ url });
	return {
		...{ kernel, vendors, dns },
		/** The world anew: one edge, one proven domain that leads to it. */
		begin: async (hostname: string): Promise<{ edgeId: string; domainId: string }> => {
			kernel.reset();
			setClockOffset(0);
			await closeSsh();
			await db.$executeRaw`DELETE FROM pgboss.job WHERE name LIKE 'domains.%'`;
			await db.acmeChallenge.deleteMany({});
			await db.acmeAccount.deleteMany({});
			await db.edgeCertificate.deleteMany({});
			await db.customDomain.deleteMany({});
			await db.tenant.deleteMany({});
			await db.baseDomain.deleteMany({});
			await db.edgeServer.deleteMany({});
			const { id: edgeId } = await createEdge(db, { nodeId });
			const { id: domainId } = await createEdgeDomain(db, hostname);
			await dns.set('A', hostname, '203.0.113.10');
			await convergeEdge(edgeId);
			return { edgeId, domainId };
		},
		/** The customer lets a domain go. */
		noZone: (name: string) => fetch(`${url}/__sandbox/dns/zones/${name}`, { method: 'DELETE' }),
		served: () => nginxDocument(kernel).get().machines[0]?.serving?.config ?? '',
		authority: () => acmeDocument(kernel).get(),
		/** Time goes by, for us and for the authority. */
		pass: (ms: number): void => {
			setClockOffset(now().getTime() - Date.now() + ms);
			kernel.clock.offsetMs += ms;
		}
	};
}
