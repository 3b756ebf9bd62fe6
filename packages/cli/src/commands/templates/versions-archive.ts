import { setArchived } from "./set-archived.ts";

export const configure = setArchived("archive");
