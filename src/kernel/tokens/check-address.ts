import type { HttpCall } from '../http-caller.ts';
import { checkTokenUrl } from './token-endpoint.ts';

/** As `checkTokenUrl`, for an address in a field of another name. */
export function checkAddress(field: string, url: string, network: HttpCall['network']): void {
  try {
    checkTokenUrl(url, network);
  } catch (error) {
    const { message } = Object(error) as { message?: string };
    throw new TypeError(String(message).replace('tokenUrl', field), { cause: error });
  }
}
