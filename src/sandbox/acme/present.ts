import type { AuthzState, OrderState, Problem } from './state.ts';

/** A problem document of RFC 8555, section 6.7. */
export function problemBody({ type, detail, status }: Problem): object {
	return { type: `urn:ietf:params:acme:error:${type}`, detail, status: status ?? 400 };
}

/** An order as its owner reads it. @param base origin of the authority */
export function orderBody(base: string, order: OrderState): object {
	return {
		status: order.status,
		expires: order.expires,
		identifiers: order.names.map((value) => ({ type: 'dns', value })),
		authorizations: order.authzIds.map((one) => `${base}/authz/${one}`),
		finalize: `${base}/finalize/${order.id}`,
		...(order.error && { error: problemBody(order.error) }),
		...(order.chain && { certificate: `${base}/cert/${order.id}` })
	};
}

/** The challenge of an authorization. @param base origin of the authority */
export function challengeBody(base: string, authz: AuthzState): object {
	const { status, token, validated, error } = authz.challenge;
	return {
		...{ type: 'http-01', url: `${base}/chall/${authz.id}`, status, token },
		...(validated && { validated }),
		...(error && { error: problemBody(error) })
	};
}
