// The two logs: what was changed, and what happened to credentials.

import { attempt, byId, call, element, entered, target } from "/admin/shared.js";
import { choice, input, paged, time } from "/admin/table.js";

/** A time that somebody has entered, as the API takes it. */
function moment(id) {
  const text = entered(id);
  return text ? new Date(text).toISOString() : undefined;
}

const period = (prefix) => [
  input(`${prefix}-from`, "From", { type: "datetime-local" }),
  input(`${prefix}-until`, "Until", { type: "datetime-local" }),
];

/** A form that filters, above the list that it filters. */
async function filtered(id, fields, list) {
  const place = element("div", {});
  const button = element("button", { type: "submit" }, "Filter");
  const form = element("form", { id, className: "filter", autocomplete: "off" }, ...fields, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(button, async () => place.replaceChildren(await list()));
  });
  return [form, place];
}

const json = (value) => element("pre", {}, JSON.stringify(value, null, 2));

/** What an entry changed: a line for each record, with what it was and is below. */
function change({ kind, id, before, after }) {
  const verb = before === undefined ? "made" : after === undefined ? "deleted" : "changed";
  return element("details", {},
    element("summary", {}, `${kind} ${verb}: `, element("code", {}, id)),
    ...(before === undefined ? [] : [element("p", { className: "sub" }, "Before"), json(before)]),
    ...(after === undefined ? [] : [element("p", { className: "sub" }, "After"), json(after)]));
}

export async function audit(session) {
  const { organisation } = session;
  const columns = ["No.", "Time", "Action", "By", ...(organisation ? [] : ["Organisation"]), "What"];
  const row = (entry) => ({
    id: String(entry.seq),
    cells: [
      String(entry.seq), time(entry.at), element("code", {}, entry.action),
      element("span", {}, entry.actor.role.replaceAll("`", ""), element("code", { className: "sub" }, entry.actor.id),
        entry.actor.peer ? element("span", { className: "sub" }, `from ${entry.actor.peer}`) : null),
      ...(organisation ? [] : [entry.organisation]), element("div", {}, ...entry.changes.map(change)),
    ],
  });
  const list = (filters = {}) => paged(organisation ? `Changes of ${organisation}, the latest first` : "Changes, the latest first", columns,
    (before) => call("GET", target("/v1/audit", { organisation, ...filters, before, limit: 50 })), row, "There are no such entries.");
  const fields = [input("audit-action", "Action", { placeholder: "agent.revoke", spellcheck: false, autocapitalize: "none" }), ...period("audit")];
  const [form, place] = await filtered("audit-filter", fields, () => list({
    action: entered("audit-action"), from: moment("audit-from"), until: moment("audit-until"),
  }));
  place.append(await list());
  return [form, place];
}

const ACTIONS = [["", "All"], ["authenticated", "Authenticated"], ["auth_failed", "Failed"], ["key_rotated", "Key rotated"], ["secret_read", "Secret read"]];

export async function events(session) {
  const { organisation } = session;
  const columns = ["Time", "What", "Agent", "Key begins with", "From", "Times"];
  const row = (event) => ({
    id: event.at,
    cells: [
      time(event.at),
      element("span", {}, event.action.replaceAll("_", " "), event.reason ? element("span", { className: "sub" }, event.reason.replaceAll("_", " ")) : null),
      event.agent ? element("code", {}, event.agent) : null,
      event.key_prefix ? element("code", {}, event.key_prefix) : null,
      event.peer, String(event.count),
    ],
  });
  const list = (filters = {}) => paged("Uses of credentials, the latest first", columns,
    (before) => call("GET", target("/v1/auth-events", { organisation, ...filters, before, limit: 50 })), row, "There are no such events.");
  const fields = [choice("event-action", "What", ACTIONS), input("event-agent", "Agent id", { spellcheck: false, autocapitalize: "none" }), ...period("event")];
  const [form, place] = await filtered("event-filter", fields, () => list({
    action: byId("event-action").value, agent: entered("event-agent"), from: moment("event-from"), until: moment("event-until"),
  }));
  place.append(await list());
  return [form, place];
}
