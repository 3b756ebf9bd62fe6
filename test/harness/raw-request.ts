import { expect } from "vitest";

export type RawAnswer = { status: number; headers: Headers; body: unknown };

export type RawRequest = {
  method?: string;
  token?: string;
  headers?: Record<string, string>;
  /** Sent as JSON unless it is text or bytes already. */
  body?: unknown;
};

/** A request as no client of ours would send it. */
export async function rawRequest(url: string, path: string, request: RawRequest = {}): Promise<RawAnswer> {
  const { body } = request;
  const bytes = body instanceof Uint8Array ? new Uint8Array(body) : undefined;
  const response = await fetch(url + path, {
    method: request.method ?? (body === undefined ? "GET" : "POST"),
    redirect: "manual",
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(request.token === undefined ? {} : { "Coder-Session-Token": request.token }),
      ...request.headers,
    },
    body: body === undefined ? null : (bytes ?? (typeof body === "string" ? body : JSON.stringify(body))),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

type Refusal = { message: string; detail?: string; validations?: { field: string; detail: string }[] };

/** The answer is a refusal with this status, of the documented shape, that tells nothing of our insides. */
export function expectRefusal(answer: RawAnswer, status: number): Refusal {
  expect(answer, JSON.stringify(answer.body)).toMatchObject({
    status,
    body: { message: expect.any(String) },
  });
  // Just seen to have a message; the rest is compared here.
  const refusal = answer.body as Refusal;
  const { message, detail = "", validations = [], ...others } = refusal;
  expect(others).toEqual({});
  expect(message).not.toBe("");
  expect(typeof detail).toBe("string");
  for (const validation of validations) {
    expect(validation).toEqual({ field: expect.any(String), detail: expect.any(String) });
  }
  expect(JSON.stringify(refusal)).not.toMatch(/node_modules|\.ts:\d|at async|select .* from /);
  return refusal;
}
