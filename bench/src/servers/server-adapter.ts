/**
 * What a server under test serves, each in the way its documentation recommends for speed: `GET /users/:id` (JSON), `GET /text`
 * (13 bytes) and `POST /orders` (1 KiB of JSON, parsed, and a receipt); some also `POST /checked-orders`, the same after a look at each
 * field. It listens on 127.0.0.1, on a port of the system's choice.
 */

/** The main export of each file of this folder; resolves to the port. */
export type ServerAdapter = () => Promise<number>;
