/** How the API writes a time that is not set: Go's zero time. */
export const zeroTime = "0001-01-01T00:00:00Z";

/** The all-zero UUID. Go clients send it for "not given". */
export const nilUuid = "00000000-0000-0000-0000-000000000000";

/** The WebSocket subprotocol of the multiplexer that agents, daemons and command lines speak. */
export const muxSubprotocol = "slipway.mux.v1";

/** How many lines of an agent's logs come at most in one answer. */
export const maxAgentLogLines = 20_000;
