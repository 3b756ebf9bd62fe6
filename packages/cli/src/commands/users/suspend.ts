import { changeStatus } from "./change-status.ts";

export const configure = changeStatus("suspend");
