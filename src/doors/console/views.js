// The views of the console. Each is an async function that gives what is to be shown.

import { byId, call, element, entered, once, prose, target } from "/admin/shared.js";
import { action, actions, ask, choice, input, named, opening, paged, state, time } from "/admin/table.js";
import { audit, events } from "/admin/logs.js";

const path = (collection, id, verb) => `/v1/${collection}/${encodeURIComponent(id)}${verb ? `/${verb}` : ""}`;

const WARNINGS = {
  orgs: "All credentials of the organisation are refused from now on",
  agents: "All keys of the agent are refused from now on",
  keys: "The key is refused from now on",
};

/** Disable or enable, and revoke: what can be done to the state of anything. */
function transitions(session, collection, record, word) {
  const called = record.name ?? record.id;
  const change = async (verb, done) => {
    const answer = await call("POST", path(collection, record.id, verb));
    await session.refresh(`\`${called}\` is ${answer?.state ?? done}.`);
  };
  const careful = async (verb, title, end, danger) => {
    const body = [element("p", {}, ...prose(`${WARNINGS[collection]}${end}`))];
    if (await ask(title, body, verb === "revoke" ? "Revoke" : "Disable", { danger })) await change(verb, `${verb}d`);
  };
  if (record.state === "revoked") return [];
  const toggle = record.state === "disabled"
    ? action("Enable", () => change("enable", "active"), { name: `Enable ${called}` })
    : action("Disable", () => careful("disable", `Disable the ${word} ${called}?`, ", until it is enabled again.", false), { name: `Disable ${called}` });
  const revoke = action("Revoke", () => careful("revoke", `Revoke the ${word} ${called}?`, ". This cannot be taken back.", true), { name: `Revoke ${called}`, danger: true });
  return [toggle, revoke];
}

/** Shows keys this once; the page has them until somebody says that they are stored. */
async function reveal(title, keys) {
  const warning = element("p", {}, "Store it now. The server does not keep it and cannot show it again.");
  await ask(title, [warning, ...keys.map(([label, id, text]) => once(label, id, text))], "I have stored it", { cancel: "" });
}

async function organisations(session) {
  const row = (record) => ({
    id: record.id,
    cells: [named(record), state(record.state), time(record.created_at), actions(
      action("Agents", async () => {
        Object.assign(session, { organisation: record.id, view: "agents" });
        await session.open();
      }, { name: `Agents of ${record.name ?? record.id}` }),
      ...(session.can("operate") ? transitions(session, "orgs", record, "organisation") : []),
    )],
  });
  const create = opening("new-organisation", "New organisation", "Create organisation", [
    input("org-id", "Id", { required: true, maxLength: 63, pattern: "[a-z0-9][a-z0-9_\\-]*", autocapitalize: "none", spellcheck: false, help: "Small letters, digits, `-` and `_`. It stays as it is." }),
    input("org-name", "Name (optional)", { maxLength: 200 }),
    element("div", { className: "field" }, element("label", { className: "check" },
      element("input", { type: "checkbox", id: "org-key", checked: true }), "Make an admin key for it")),
  ], async () => {
    const body = { id: entered("org-id"), name: entered("org-name"), admin_key: byId("org-key").checked };
    const made = await call("POST", "/v1/orgs", body);
    if (made.admin_key) await reveal(`Admin key of ${made.id}`, [["Admin key", "new-key", made.admin_key]]);
    await session.refresh(`The organisation \`${made.id}\` was created.`);
  });
  const list = await paged("Organisations", ["Organisation", "State", "Created", "Actions"],
    (after) => call("GET", target("/v1/orgs", { limit: 100, after })), row, "There are no organisations yet.");
  return [create, list];
}

/** When each agent was last known to call: the latest use of its keys. */
async function lastUses(organisation) {
  const uses = new Map();
  let after;
  do {
    const page = await call("GET", target("/v1/keys", { organisation, limit: 1000, after }));
    for (const { agent, last_used_at: at } of page.items) {
      if (agent && at && (!uses.has(agent) || Date.parse(at) > Date.parse(uses.get(agent)))) uses.set(agent, at);
    }
    after = page.next;
  } while (after);
  return uses;
}

const words = (list) => (list?.length ? list.join(", ") : null);
const split = (text) => (text ?? "").split(/[\s,]+/).filter(Boolean);

function newAgent(session) {
  return opening("new-agent", "New agent", "Create agent", [
    input("agent-name", "Name", { required: true, maxLength: 200 }),
    input("agent-roles", "Roles (optional)", { help: "Separated by spaces or commas." }),
    input("agent-permissions", "Permissions (optional)", { help: "Separated by spaces or commas, such as `stripe:create_payment`." }),
  ], async () => {
    const made = await call("POST", "/v1/agents", {
      organisation: session.organisation,
      name: entered("agent-name"),
      roles: split(entered("agent-roles")),
      permissions: split(entered("agent-permissions")),
      key: true,
    });
    await reveal(`Key of ${made.name ?? made.id}`, [["Agent key", "new-key", made.api_key]]);
    await session.refresh(`The agent \`${made.name ?? made.id}\` was created.`);
  });
}

async function agents(session) {
  if (session.agent) return keys(session);
  const { organisation } = session;
  const uses = await lastUses(organisation);
  const columns = ["Agent", ...(organisation ? [] : ["Organisation"]), "Roles", "State", "Last use", "Actions"];
  const row = (record) => ({
    id: record.id,
    cells: [named(record), ...(organisation ? [] : [record.organisation]), words(record.roles), state(record.state), time(uses.get(record.id)), actions(
      action("Keys", async () => {
        session.agent = record;
        await session.open();
      }, { name: `Keys of ${record.name ?? record.id}` }),
      ...(session.can("administer") ? transitions(session, "agents", record, "agent") : []),
    )],
  });
  const list = await paged(organisation ? `Agents of ${organisation}` : "Agents of all organisations", columns,
    (after) => call("GET", target("/v1/agents", { organisation, limit: 100, after })), row, "There are no agents yet.");
  if (!session.can("provision")) return [list];
  const create = organisation ? newAgent(session) : element("p", { className: "help" }, "Choose an organisation to create an agent in it.");
  return [create, list];
}

async function rotate(session, record) {
  const overlap = choice("overlap", "The old key stays valid for", [["0s", "not at all"], ["1h", "1 hour"], ["24h", "24 hours"], ["168h", "7 days"]]);
  const body = [element("p", {}, "A new key is made in the place of this one."), overlap];
  overlap.querySelector("select").value = "24h";
  let chosen = "24h";
  overlap.addEventListener("change", () => { chosen = overlap.querySelector("select").value; });
  if (!await ask(`Rotate the key ${record.prefix ?? record.id}…?`, body, "Rotate")) return;
  const made = await call("POST", path("keys", record.id, "rotate"), { overlap: chosen });
  await reveal("The new key", [["New key", "new-key", made.api_key]]);
  await session.refresh("The key was rotated.");
}

async function keys(session) {
  const { agent } = session;
  const mayChange = session.can("provision");
  const columns = ["Key", "Kind", "State", "Created", "Last use", "Ends", "Actions"];
  const row = (record) => ({
    id: record.id,
    cells: [
      element("span", {}, record.name ?? element("code", {}, `${record.prefix ?? record.id}…`), element("code", { className: "sub" }, record.id)),
      record.kind, state(record.state), time(record.created_at), time(record.last_used_at), time(record.expires_at),
      mayChange && record.state !== "revoked" ? actions(
        record.state === "active" ? action("Rotate", () => rotate(session, record), { name: `Rotate ${record.id}` }) : null,
        ...transitions(session, "keys", record, "key"),
      ) : null,
    ],
  });
  const back = action("Back to agents", async () => {
    session.agent = null;
    await session.open();
  });
  const create = action("New key", async () => {
    const made = await call("POST", "/v1/keys", { kind: "agent", agent: agent.id });
    await reveal(`Key of ${agent.name ?? agent.id}`, [["Agent key", "new-key", made.api_key]]);
    await session.refresh("The key was created.");
  });
  const list = await paged(`Keys of ${agent.id}`, columns,
    (after) => call("GET", target("/v1/keys", { agent: agent.id, limit: 100, after })), row, "This agent has no keys.");
  const bar = actions(back, mayChange && agent.state !== "revoked" ? create : null);
  bar.classList.add("over");
  return [bar, list];
}

/** Every view by its name. */
export const VIEWS = {
  organisations: { title: "Organisations", needs: "operate", show: organisations },
  agents: { title: "Agents", show: agents },
  audit: { title: "Audit log", show: audit },
  events: { title: "Authentication", show: events },
};
