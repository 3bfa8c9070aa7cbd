/** An address as `users.email` holds it. */
export function foldEmail(email: string): string {
	return email.trim().toLowerCase();
}
