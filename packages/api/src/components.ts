import { z } from "zod";

type SchemaNotes = {
  id?: string;
  type?: string;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
};

/** What the OpenAPI document knows about a schema besides its structure. */
export const schemaNotes = z.registry<SchemaNotes>();

/** Gives a schema the name under which it appears in the OpenAPI document. */
export function named<T extends z.ZodType>(id: string, schema: T): T {
  schemaNotes.add(schema, { id });
  return schema;
}
