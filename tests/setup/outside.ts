import { readMark, type Mark } from '#lib/infrastructure/containers/marks.ts';
import { cloudflareDocument, type DnsRecord } from '../../src/sandbox/cloudflare/state.ts';
import type { IngressRule } from '../../src/sandbox/cloudflare/state.ts';
import { clusterOf } from '../../src/sandbox/proxmox/cluster.ts';
import type { ContainerState } from '../../src/sandbox/proxmox/state.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Dispute } from '../../src/sandbox/stripe/disputes.ts';
import type { Refund } from '../../src/sandbox/stripe/refunds.ts';
import type { Session, State } from '../../src/sandbox/stripe/state.ts';
import type { Charge, Subscription } from '../../src/sandbox/stripe/types.ts';

export interface MarkedContainer {
	container: ContainerState;
	mark: Mark | null;
}

/** What the vendors themselves have, read past their APIs: the truth that our rows are compared with. */
export function outside(sandbox: Sandbox) {
	const { kernel } = sandbox;
	const cluster = clusterOf(kernel);
	const cloudflare = cloudflareDocument(kernel);

	/** Everything in Proxmox but the templates. */
	const containers = (): MarkedContainer[] =>
		Object.values(cluster.state.containers)
			.filter(({ config }) => !config.template)
			.map((container) => ({ container, mark: readMark(container.config.description) }));

	return {
		cluster,
		containers,
		/** VMIDs of the containers that hold a database of this name. */
		databases: (name: string): number[] =>
			containers()
				.map(({ container }) => container.vmid)
				.filter((vmid) => name in (cluster.guests.get(vmid)?.databases ?? {})),
		records: (name: string): DnsRecord[] =>
			cloudflare.get().records.filter((record) => record.name === name),
		rules: (hostname: string): IngressRule[] =>
			ingress().filter((rule) => rule.hostname === hostname),
		ingress,
		/** Subscriptions that a signup led to. */
		subscriptions: (signupId: string): Subscription[] =>
			Object.values(stripe().tables.subscriptions).filter(
				({ metadata }) => metadata.signup_id === signupId
			),
		/** Checkout sessions that a signup has opened. */
		sessions: (signupId: string): Session[] =>
			Object.values(stripe().tables.sessions).filter(
				({ metadata }) => metadata.signup_id === signupId
			),
		/** What the customers of a signup were charged. */
		charges: (signupId: string): Charge[] => {
			const customers = Object.values(stripe().tables.subscriptions)
				.filter(({ metadata }) => metadata.signup_id === signupId)
				.map(({ customer }) => String(customer));
			return Object.values(stripe().tables.charges).filter(
				({ customer }) => customer !== null && customers.includes(customer)
			);
		},
		disputes: (chargeId: string): Dispute[] =>
			Object.values(stripe().tables.disputes).filter(({ charge }) => charge === chargeId),
		/** Refunds of everything that a Stripe customer ever paid. */
		refunds: (stripeCustomerId: string): Refund[] =>
			Object.values(stripe().tables.refunds).filter(
				({ customer }) => customer === stripeCustomerId
			),
		/** Minor units that a Stripe customer has paid. */
		paid: (stripeCustomerId: string): number =>
			Object.values(stripe().tables.charges)
				.filter(({ customer, paid }) => customer === stripeCustomerId && paid)
				.reduce((sum, { amount }) => sum + amount, 0),
		/** The slug that a subscription was sold with. */
		slugOfSubscription: (id: string): string | undefined =>
			stripe().tables.subscriptions[id]?.metadata.slug,
		slugOfSession: (id: string): string | undefined => stripe().tables.sessions[id]?.metadata.slug
	};

	function ingress(): IngressRule[] {
		return cloudflare.get().tunnels.flatMap(({ config }) => config?.ingress ?? []);
	}

	function stripe(): State {
		const state = kernel.store.peek('stripe').stripe;
		if (!isStripe(state)) throw new Error('the sandbox has no Stripe');
		return state;
	}
}

export type Outside = ReturnType<typeof outside>;

function isStripe(state: unknown): state is State {
	return typeof state === 'object' && state !== null && 'tables' in state;
}
