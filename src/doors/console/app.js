// The console: who is signed in, what is chosen, and which view shows it. The views are in views.js.

import { Trouble, attempt, byId, call, element, entered, say, target, use, whenTroubled } from "/admin/shared.js";
import { VIEWS } from "/admin/views.js";

/** Who is signed in and what is chosen; nothing of it outlives the page. */
const session = { who: null, organisation: "", agent: null, view: "agents", organisations: [], refresh, open };

/** Counts what is being shown, so that an answer that comes late is not put in the place of a newer one. */
let showing = 0;

const CAN = {
  operate: ["operator"],
  administer: ["operator", "admin"],
  provision: ["operator", "admin", "bridge"],
};
/** Whether the credential has a right; the server asks again. */
session.can = (right) => CAN[right].includes(session.who?.power);

function signOut(message = "You are signed out.", isError = false) {
  use(null);
  Object.assign(session, { who: null, organisation: "", agent: null, view: "agents", organisations: [] });
  showing += 1;
  if (byId("dialog").open) byId("dialog").close();
  byId("content").replaceChildren();
  byId("organisation").replaceChildren();
  byId("console").hidden = byId("sign-out").hidden = byId("whoami").hidden = true;
  byId("whoami").textContent = "";
  byId("sign-in").hidden = false;
  byId("sign-in").reset();
  say(message, isError);
  byId("key").focus();
}

/** What a trouble means for the whole page. */
function failed(trouble) {
  if (trouble.status === 401 && session.who) signOut(`${trouble.message} You are signed out.`, true);
  else say(trouble.message, true);
}

async function signIn() {
  use(entered("key"));
  const who = await call("GET", "/v1/whoami");
  if (who.power === "agent") throw new Trouble(403, "This is the key of an agent. The console is for operators, admins, auditors and bridges.");
  session.who = who;
  session.view = session.can("operate") ? "organisations" : "agents";
  session.organisation = who.organisation ?? "";
  byId("sign-in").reset();
  byId("sign-in").hidden = true;
  byId("console").hidden = byId("sign-out").hidden = byId("whoami").hidden = false;
  byId("whoami").textContent = who.organisation ? `${who.power} of ${who.organisation} (${who.id})` : `${who.power} (${who.id})`;
  await refresh();
}

/** The organisations to choose from: all for an operator, else the caller's own. */
async function choices() {
  const all = [];
  let after;
  do {
    const page = await call("GET", target("/v1/orgs", { limit: 1000, after }));
    all.push(...page.items);
    after = page.next;
  } while (after);
  session.organisations = all;
  const known = all.some(({ id }) => id === session.organisation);
  if (!known) session.organisation = session.who.organisation ?? "";
  const option = ({ id, name }) => element("option", { value: id }, name ? `${name} (${id})` : id);
  const select = byId("organisation");
  select.replaceChildren(...(session.who.organisation ? [] : [element("option", { value: "" }, "All organisations")]), ...all.map(option));
  select.value = session.organisation;
  select.disabled = session.who.organisation !== null;
}

function navigation() {
  const views = Object.entries(VIEWS).filter(([, view]) => !view.needs || session.can(view.needs));
  byId("views").replaceChildren(...views.map(([name, view]) => {
    const button = element("button", { type: "button" }, view.title);
    if (name === session.view) button.setAttribute("aria-current", "page");
    button.addEventListener("click", () => { session.view = name; session.agent = null; attempt(null, open); });
    return element("li", {}, button);
  }));
}

/** Shows what was chosen from its beginning. */
async function open() {
  say("");
  await refresh();
  byId("view-title").focus();
}

/** Shows the current view as things are now. */
async function refresh(message) {
  const mine = (showing += 1);
  await choices();
  navigation();
  const view = VIEWS[session.view];
  byId("view").setAttribute("aria-busy", "true");
  try {
    const content = await view.show(session);
    if (mine !== showing) return;
    byId("view-title").textContent = session.agent ? `Keys of ${session.agent.name ?? session.agent.id}` : view.title;
    byId("content").replaceChildren(...content);
    byId("view").dataset.view = session.view;
    if (message) {
      say(message);
      byId("view-title").focus();
    }
  } finally {
    byId("view").removeAttribute("aria-busy");
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  say("");
  attempt(byId("sign-in").querySelector("button"), signIn, (trouble) => signOut(trouble.message, true));
});
byId("sign-out").addEventListener("click", () => signOut());
byId("organisation").addEventListener("change", () => {
  session.organisation = byId("organisation").value;
  session.agent = null;
  attempt(null, open);
});
// What a browser would keep for its Back button.
window.addEventListener("pagehide", () => signOut(""));
whenTroubled(failed);
