import { randomBytes } from 'node:crypto';
import { db } from '#lib/core/db.server.ts';
import { invitationToken } from '#lib/identity/invitations.server.ts';
import { issueUserToken } from '#lib/identity/userTokens.server.ts';
import { aDelivery, anAlert, aSilence, aWebhook } from './alerts.ts';
import { aChange, anInvoice, aRefundOrder, aStripeEvent, aSubscription } from './billing.ts';
import { aDunningCase, aPayToken } from './dunning.ts';
import { anInvitation, createCompany, createMember } from './identity.ts';
import {
	aContainer,
	aContainerAct,
	anAdoptedContainer,
	anEnrolment,
	aNode,
	aTemplate,
	createUnplacedTenant
} from './infrastructure.ts';
import { aDrain, aMigration, aMove } from './moves.ts';
import { aTunnel } from './tunnels.ts';
import { aPublishedDomain } from './tunnels.ts';

/**
 * A real value for every parameter of every route, by the segment before it and its name (`tenants/[id]`), and for
 * every row that a topic names (`topic/portal.tenant`). The rows
 * belong to nobody who asks in the access test. A route whose parameter is missing here fails that test.
 */
export const PARAMS: Record<string, () => Promise<string>> = {
	'topic/admin.tenant': async () => (await createUnplacedTenant(db)).id,
	'topic/portal.tenant': async () => (await createUnplacedTenant(db)).id,
	'topic/portal.domain': createDomain,
	'topic/signup': createSignup,
	'topic/admin.domain': createDomain,
	'domains/[id]': createDomain,
	'domains/[domain]': createDomain,
	'check/[domain]': async () => `erp.${randomBytes(5).toString('hex')}.com`,
	'tenants/[id]': async () => (await createUnplacedTenant(db)).id,
	'plans/[id]': async () => (await db.plan.findFirstOrThrow()).id,
	'users/[id]': async () => (await createMember()).id,
	'customers/[id]': async () => (await createCompany()).id,
	'subscriptions/[id]': async () => (await aSubscription()).id,
	'change/[id]': async () => (await aChange()).id,
	'change/[change]': async () => (await aChange()).id,
	'refunds/[id]': async () => (await aRefundOrder()).id,
	'pay/[token]': async () => aPayToken(),
	'acme-challenge/[token]': anAcmeToken,
	'[token]/[invoice]': async () => (await anInvoice()).id,
	'pay/[subscription]': async () => (await aSubscription()).id,
	'dunning/[id]': async () => (await aDunningCase()).id,
	'events/[id]': async () => (await aStripeEvent()).id,
	'invoices/[id]': async () => (await anInvoice()).id,
	'nodes/[id]': async () => (await aNode(db)).id,
	'containers/[id]': async () => (await anAdoptedContainer(db)).id,
	'moves/[id]': async () => (await aMove(db)).id,
	'topic/admin.move': async () => (await aMove(db)).id,
	'drains/[id]': async () => (await aDrain(db)).id,
	'migrations/[migration]': async () => (await aMigration(db)).id,
	'new/[id]': async () => (await anEnrolment(db)).id,
	'topic/admin.container': async () => (await aContainer(db)).id,
	'acts/[act]': async () => (await aContainerAct(db)).id,
	'snapshots/[name]': async () => 'antes',
	'tunnels/[id]': async () => (await aTunnel(db)).id,
	'topic/admin.tunnel': async () => (await aTunnel(db)).id,
	'topic/admin.tunnel-log': async () => (await aTunnel(db)).id,
	'imports/[id]': async () =>
		(await db.customerImport.create({ data: { fileName: 'clientes.csv', byLabel: 'tests' } })).id,
	'rules/[id]': async () => (await db.alertRule.findFirstOrThrow()).id,
	'alerts/[id]': async () => (await anAlert(db)).id,
	'silences/[id]': async () => (await aSilence(db)).id,
	'webhooks/[id]': async () => (await aWebhook(db)).id,
	'deliveries/[id]': async () => (await aDelivery(db)).id,
	'topic/admin.customer': async () => (await createCompany()).id,
	'templates/[id]': async () => (await aTemplate(db)).id,
	'topic/admin.template': async () => (await aTemplate(db)).id,
	'invite/[token]': async () => {
		const { customerId } = await createMember();
		return invitationToken(db, (await anInvitation(customerId)).id);
	},
	'reset/[token]': async () =>
		(await issueUserToken(db, (await createMember()).id, 'reset_password')).token,
	'set-password/[token]': async () =>
		(await issueUserToken(db, (await createMember()).id, 'set_password')).token
};

async function createDomain(): Promise<string> {
	const tenant = await createUnplacedTenant(db);
	return (await aPublishedDomain(db, tenant, `erp.${tenant.slug}.com`)).id;
}

async function anAcmeToken(): Promise<string> {
	const token = randomBytes(24).toString('base64url');
	const expiresAt = new Date(Date.now() + 86_400_000);
	const data = { token, hostname: 'erp.example.com', keyAuthorization: `${token}.x`, expiresAt };
	return (await db.acmeChallenge.create({ data })).token;
}

async function createSignup(): Promise<string> {
	const plan = await db.plan.findFirstOrThrow();
	const slug = `s${randomBytes(5).toString('hex')}`;
	const who = { companyName: slug, fullName: 'Ana Mora', email: `${slug}@example.com` };
	return (await db.signup.create({ data: { ...who, slug, planId: plan.id } })).id;
}

/** Names of a route's parameters with the key of their factory. */
export function parametersOf(routeId: string): { name: string; key: string }[] {
	const segments = routeId.split('/').filter((segment) => segment && !/^\(.*\)$/.test(segment));
	return segments.flatMap((segment, position) => {
		const name = /^\[+(?:\.\.\.)?(\w+)(?:=\w+)?\]+$/.exec(segment)?.[1];
		return name ? [{ name, key: `${segments[position - 1] ?? ''}/${segment}` }] : [];
	});
}
