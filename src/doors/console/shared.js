// What both pages use: calls of the admin API, and the making of elements.
//
// INVARIANT (text, never markup): whatever comes from a server or a person goes into the page as text.
// INVARIANT (forgotten): the key is in this module's memory alone; no storage and no cookie has it.

let key = null;

/** Takes a key for the calls to come; null forgets it. */
export const use = (text) => { key = text; };

/** Why a call came to nothing, in words for people. */
export class Trouble extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const BEGINNINGS = {
  400: "That is not possible as entered:",
  401: "The key is not accepted:",
  403: "This key may not do that:",
  404: "There is no such thing, or this key does not see it:",
  409: "That conflicts with how things are:",
  413: "That is too large:",
  503: "The registry is not available just now:",
};

/** Calls the admin API; gives what it answers with, or throws a Trouble. */
export async function call(method, path, body) {
  const headers = { authorization: `Bearer ${key}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const options = { method, headers, credentials: "omit", cache: "no-store", redirect: "error" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Trouble(0, "The server cannot be reached, or the key has characters that no key has.");
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text === "" ? null : JSON.parse(text);
  } catch {
    // Whatever it is, it is no answer of the admin API.
  }
  if (response.ok) return answer;
  if (response.status === 429) {
    const wait = response.headers.get("retry-after");
    throw new Trouble(429, `Too many calls. Try again in ${wait ?? "a few"} seconds.`);
  }
  const beginning = BEGINNINGS[response.status] ?? `The server answers with status ${response.status}:`;
  throw new Trouble(response.status, `${beginning} ${answer?.message ?? "it does not say why"}.`);
}

/** A path with parameters; those that are empty are left out. */
export function target(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** Makes an element. Children are elements or text; properties are set as they are, `data-` and `aria-` as attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.includes("-") || property === "role" || property === "for") made.setAttribute(property, value);
    else made[property] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Text in which what stands between backticks is code. */
export function prose(text) {
  return text.split("`").map((part, n) => (n % 2 === 1 ? element("code", {}, part) : part));
}

/** Says something at the top of the page, or nothing. */
export function say(text, isError = false) {
  const notice = text ? [element("p", { className: isError ? "notice error" : "notice" }, ...prose(text))] : [];
  byId("notice").replaceChildren(...notice);
  if (isError) byId("notice").scrollIntoView({ block: "nearest" });
}

/** A key that is shown this once, with a button that copies it. */
export function once(label, id, text) {
  const code = element("code", { id }, text);
  const copied = element("span", { role: "status", className: "help" });
  const copy = element("button", { type: "button", "aria-label": `Copy ${label.toLowerCase()}` }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copied.textContent = "Copied.";
    } catch {
      // Browsers give the clipboard to pages of a secure origin only.
      getSelection().selectAllChildren(code);
      copied.textContent = "Selected: copy it with the keyboard.";
    }
  });
  return element("div", { className: "once" }, element("strong", {}, label), element("div", { className: "row" }, code, copy), copied);
}

let troubled = (trouble) => say(trouble.message, true);

/** Says what is to be done about troubles, unless whoever tries something says otherwise. */
export const whenTroubled = (act) => { troubled = act; };

/** Does something that may fail, while its button rests. */
export async function attempt(button, act, failed = troubled) {
  if (button?.disabled) return;
  if (button) button.disabled = true;
  try {
    await act();
  } catch (trouble) {
    if (!(trouble instanceof Trouble)) console.error(trouble);
    failed(trouble);
  } finally {
    if (button) button.disabled = false;
  }
}

/** What a field has, without spaces around it; undefined where it is empty. */
export const entered = (id) => byId(id).value.trim() || undefined;
