/**
 * Fills the demo: the sandbox's cluster, tunnel and domains, somebody of the staff, a customer whose instance is set up as
 * soon as the application starts, and an API token in demo.json. Run again, it brings addresses and passwords up to date.
 */
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import '#lib/core/sagaRunner.server.ts';
import '#lib/notifications/jobs.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { isQueueOpen, startQueue, stopQueue } from '#lib/core/queue.server.ts';
import { createApiToken, resolveApiToken } from '#lib/identity/apiTokens.server.ts';
import { foldEmail } from '#lib/identity/email.ts';
import { addFirstOwner } from '#lib/identity/members.server.ts';
import { checkPassword, hashPassword } from '#lib/identity/passwords.server.ts';
import { addStaff } from '#lib/identity/staff.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { createByStaff } from '#lib/provisioning/staffTenants.server.ts';
import { cloudflareClient } from '#lib/settings/clients.server.ts';
import { saveSetting } from '#lib/settings/settings.server.ts';
import { createWorld, surveyWorld } from '../../tests/factories/world.ts';
import { type DemoFile, writeDemoFile } from './demo-data.ts';

const COMPANY = { company_name: 'Cacao Ejemplo S.A.', full_name: 'Carla Ejemplo', country: 'EC' };
const SUBDOMAIN = 'ejemplo';

/**
 * @param demo what demo.json says; vendors that answer
 * @returns an API token of the staff member: the one that demo.json has, or a new one
 */
export async function seedDemo(demo: DemoFile): Promise<string> {
	const survey = await surveyWorld(demo.vendors);
	await transaction((tx) => createWorld(tx, demo.vendors, survey, demo.app));
	await enrolSecondDomain(demo.vendors.cloudflare.tunnel_id);
	await installConnector(demo.sandbox, demo.vendors.cloudflare.tunnel_id);
	await enrolEdge(demo.sandbox);
	await keepLateSubscriptions(demo.vendors.stripe.url);
	const [staffHash, customerHash] = [
		await hashPassword(demo.staff.password),
		await hashPassword(demo.customer.password)
	];
	const staffId = await transaction(async (tx) => {
		await withoutSecondFactor(tx);
		const { userId } = await addStaff(tx, {
			email: demo.staff.email,
			fullName: 'Administración',
			role: 'administrator'
		});
		await setPassword(tx, userId, demo.staff.password, staffHash);
		const owner = await addCustomer(tx, demo.customer.email);
		await setPassword(tx, owner, demo.customer.password, customerHash);
		return userId;
	});
	if (demo.api_token && (await resolveApiToken(demo.api_token))) return demo.api_token;
	const { token } = await transaction((tx) =>
		createApiToken(tx, {
			userId: staffId,
			customerId: null,
			name: 'demo',
			scopes: ['*'],
			expiresAt: null,
			by: SYSTEM,
			from: 'console'
		})
	);
	return token;
}

/** What docs/decisions/014 asks of a Stripe account: after its retries a subscription stays past due, and is ours to end. */
async function keepLateSubscriptions(stripeUrl: string): Promise<void> {
	const answer = await fetch(`${stripeUrl}/__sandbox/stripe/settings`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ after_retries: 'past_due' })
	});
	if (!answer.ok) throw new Error(`the sandbox's Stripe answered ${answer.status}`);
}

/** cloudflared on the first node, so that its log is there to be read; what was said of another place since stays. */
async function installConnector(sandboxUrl: string, tunnelId: string): Promise<void> {
	const route = `${sandboxUrl}/__sandbox/cloudflared`;
	const installed: unknown = await (await fetch(route)).json();
	const node = await db.node.findFirstOrThrow({ orderBy: { name: 'asc' } });
	if (Array.isArray(installed) && installed.length === 0) {
		const answer = await fetch(route, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ node: node.name, tunnel_id: tunnelId, source: 'cloudflare' })
		});
		if (!answer.ok) throw new Error(`the sandbox answered ${answer.status}`);
	}
	await db.tunnel.updateMany({
		where: { cloudflareId: tunnelId, hostNodeId: null },
		data: { hostNodeId: node.id }
	});
}

/** The sandbox's nginx with a public address of its own: who wants to try it chooses it for a base domain. */
async function enrolEdge(sandboxUrl: string): Promise<void> {
	const answer = await fetch(`${sandboxUrl}/__sandbox/nginx`);
	const places = z.array(
		z.object({ node: z.string(), vmid: z.number().nullable(), address: z.string() })
	);
	const [place] = places.parse(await answer.json());
	const node = place && (await db.node.findFirst({ where: { name: place.node } }));
	if (!place || !node) return;
	const data = { nodeId: node.id, vmid: place.vmid, ipv4: [place.address] };
	await db.edgeServer.upsert({
		where: { name: 'edge-1' },
		create: { name: 'edge-1', ...data },
		update: data
	});
}

/** triboka.com, through the same tunnel. */
async function enrolSecondDomain(tunnelId: string): Promise<void> {
	const name = 'triboka.com';
	const client = await cloudflareClient({});
	const [zone] = await client.zones.list({ name });
	if (!zone) return;
	const tunnel = await db.tunnel.findUniqueOrThrow({ where: { cloudflareId: tunnelId } });
	const data = { zoneId: zone.id, tunnelId: tunnel.id };
	const created = { name, ...data, target: `customers.${name}` };
	await db.baseDomain.upsert({ where: { name }, create: created, update: data });
}

/** Whoever tries the demo has no authenticator at hand; a choice that was made since stays. */
async function withoutSecondFactor(tx: Tx): Promise<void> {
	const key = 'security.staff_second_factor';
	if (await tx.setting.findUnique({ where: { key } })) return;
	await saveSetting(tx, key, false, SYSTEM, 0);
}

/** The demo's company with a free instance, and its owner. @returns the owner's user id */
async function addCustomer(tx: Tx, email: string): Promise<string> {
	const existing = await tx.tenant.findFirst({ where: { slug: SUBDOMAIN } });
	const { customerId } =
		existing ??
		(await createByStaff(
			tx,
			{
				...COMPANY,
				email,
				subdomain: SUBDOMAIN,
				plan: 'pro',
				billing: 'free',
				billing_reason: 'demo'
			},
			{ by: SYSTEM, locale: 'es' }
		));
	const known = await tx.user.findUnique({ where: { email: foldEmail(email) } });
	if (known) return known.id;
	const owner = { customerId, email, fullName: COMPANY.full_name, locale: 'es' };
	return (await addFirstOwner(tx, owner)).userId;
}

async function setPassword(tx: Tx, userId: string, password: string, passwordHash: string) {
	const stored = await tx.userCredential.findUnique({ where: { userId } });
	if (await checkPassword(stored?.passwordHash, password)) return;
	await tx.userCredential.upsert({
		where: { userId },
		create: { userId, passwordHash },
		update: { passwordHash }
	});
}

if (import.meta.main) {
	const file = process.env.DEMO_FILE;
	if (!file) throw new Error('DEMO_FILE is not set: the demo runs this script');
	const demo = JSON.parse(readFileSync(file, 'utf8')) as DemoFile;
	await startQueue({ work: false });
	try {
		const apiToken = await seedDemo(demo);
		if (apiToken !== demo.api_token) {
			// A token of another database must not come back.
			rmSync(file);
			writeDemoFile(dirname(file), { ...demo, api_token: apiToken });
		}
	} finally {
		if (isQueueOpen()) await stopQueue(2);
		await db.$disconnect();
	}
}
