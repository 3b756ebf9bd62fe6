import { ApiResponseError } from "@slipway/api";

/** What a call was refused with. Fails the test when it was not. */
export async function refusal(call: Promise<unknown>): Promise<ApiResponseError> {
  const outcome = await call.then(
    () => new Error("The call was expected to be refused, and was not."),
    (err: unknown) => err,
  );
  if (outcome instanceof ApiResponseError) return outcome;
  throw outcome;
}
