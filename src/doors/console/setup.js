// Begins a registry: takes the token, shows three keys once.

import { attempt, byId, call, element, entered, once, say, use } from "/admin/shared.js";

const form = byId("setup");

function show(begun) {
  form.hidden = true;
  form.reset();
  byId("keys").replaceChildren(
    once("Operator key", "operator-key", begun.operator_key),
    once(`Admin key of ${begun.organisation.id}`, "admin-key", begun.admin_key),
    once(`Key of the agent ${begun.agent.name ?? begun.agent.id}`, "agent-key", begun.agent_key),
  );
  byId("made").hidden = false;
  byId("made-title").focus();
}

function failed(trouble) {
  const isToken = trouble.status === 401;
  say(isToken ? "That is not the setup token. It is in the file `bootstrap-token` in the server's state directory." : trouble.message, true);
  if (trouble.status === 409) byId("notice").append(element("p", {}, element("a", { href: "/admin" }, "Go to the console")));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  say("");
  attempt(form.querySelector("button"), async () => {
    use(entered("token"));
    const organisation = { id: entered("organisation"), name: entered("name") };
    try {
      show(await call("POST", "/v1/bootstrap", { organisation, agent: { name: entered("agent") } }));
    } finally {
      use(null);
    }
  }, failed);
});
