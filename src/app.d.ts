declare global {
	namespace App {
		interface Error {
			message: string;
			code?: string;
			/** Under this id the log has the rest. */
			id?: string;
		}
	}
}

export {};
