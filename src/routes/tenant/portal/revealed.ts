/** The password that an action has just shown for this instance; undefined when the answer is about something else. */
export function revealedIn(form: unknown, tenantId: string): string | undefined {
	if (!form || typeof form !== 'object' || !('revealed' in form)) return undefined;
	const { revealed } = form;
	if (!revealed || typeof revealed !== 'object') return undefined;
	if (!('tenantId' in revealed) || revealed.tenantId !== tenantId) return undefined;
	return 'password' in revealed && typeof revealed.password === 'string'
		? revealed.password
		: undefined;
}
