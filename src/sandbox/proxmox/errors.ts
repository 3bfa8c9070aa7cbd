/** An answer that is not success, in the shapes of pveproxy 9.1. */
export class PveError extends Error {
	readonly status: number;
	readonly errors: Record<string, string> | null;

	constructor(status: number, message: string, errors: Record<string, string> | null = null) {
		super(message);
		this.status = status;
		this.errors = errors;
	}
}

/** What a method's `die` becomes: 500 with the text in the reason phrase and in `message`. */
export function died(message: string): PveError {
	return new PveError(500, message);
}

export function invalid(errors: Record<string, string>): PveError {
	return new PveError(400, 'Parameter verification failed.', errors);
}

export function forbidden(path: string, privileges: string): PveError {
	return new PveError(403, `Permission check failed (${path}, ${privileges})`);
}
