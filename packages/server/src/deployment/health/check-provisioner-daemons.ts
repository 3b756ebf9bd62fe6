import type { daemons, health } from "@slipway/api";
import type { Db } from "../../db/db.ts";
import { daemonApiVersion } from "../../provisioners/daemon-version.ts";
import { listDaemons } from "../../provisioners/list-daemons.ts";
import { buildVersion } from "../version.ts";
import { fault, found } from "./section.ts";

const shownPerOrganization = 100;

/** Whether somebody is there to build workspaces, and speaks our language. */
export async function checkProvisionerDaemons(
  db: Db,
): Promise<Omit<health.ProvisionerDaemonsReport, "dismissed">> {
  const organizations = await db
    .selectFrom("organizations")
    .select("id")
    .where("deleted", "=", false)
    .where("id", "in", db.selectFrom("provisioner_daemons").select("organization_id"))
    .execute();
  const items: health.ProvisionerDaemonsReport["items"] = [];
  for (const { id } of organizations) {
    const options = { maxAgeMs: null, withOffline: false, limit: shownPerOrganization };
    for (const daemon of await listDaemons(db, id, options)) {
      items.push({ provisioner_daemon: daemon, warnings: warningsOf(daemon) });
    }
  }
  if (items.length === 0) {
    const remedy = "Start one with `coder provisioner start`, or the server with --provisioner-daemons=3.";
    return {
      items,
      ...fault("EPD01", `No provisioner daemon is connected: nothing can be built. ${remedy}`),
    };
  }
  return { items, ...found(items.flatMap(({ warnings }) => warnings)) };
}

function warningsOf(daemon: daemons.ProvisionerDaemon): health.HealthMessage[] {
  const warnings: health.HealthMessage[] = [];
  if (minorOf(daemon.version) !== minorOf(buildVersion)) {
    const message = `The daemon ${daemon.name} has version ${daemon.version}, this server ${buildVersion}.`;
    warnings.push({ code: "EPD02", message });
  }
  if (majorOf(daemon.api_version) !== majorOf(daemonApiVersion)) {
    const message = `The daemon ${daemon.name} speaks the API ${daemon.api_version}; ${daemonApiVersion} is current.`;
    warnings.push({ code: "EPD03", message });
  }
  return warnings;
}

const minorOf = (version: string) => /^v?\d+\.\d+/.exec(version)?.[0].replace("v", "");
const majorOf = (version: string) => version.split(".")[0];
