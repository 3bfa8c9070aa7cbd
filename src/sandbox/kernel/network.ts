import type { SandboxRequest, SandboxResponse } from './http.ts';

export type ServiceHandler = (request: SandboxRequest) => Promise<SandboxResponse>;

/**
 * The private network of the containers: who answers HTTP at an address and port.
 * The edge asks it; the container stand-in answers it. `null`: connection refused or no such host.
 */
export class Network {
	#resolve: (address: string, port: number) => ServiceHandler | null = () => null;

	/** Set once by the stand-in that owns the containers. */
	serve(resolve: (address: string, port: number) => ServiceHandler | null): void {
		this.#resolve = resolve;
	}

	service(address: string, port: number): ServiceHandler | null {
		return this.#resolve(address, port);
	}
}
