// Tables, forms and questions, made of the same few parts everywhere.

import { attempt, byId, element, prose, say } from "/admin/shared.js";

/** A time as people read it; nothing where there is none. */
export function time(text) {
  if (!text) return null;
  const at = new Date(text);
  const shown = Number.isNaN(at.getTime()) ? text : at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return element("time", { dateTime: text, title: text }, shown);
}

/** What a record is called, with its id below. */
export const named = (record) =>
  element("span", {}, record.name ?? element("code", {}, record.id), record.name ? element("code", { className: "sub" }, record.id) : null);

/** `active`, `disabled` or `revoked`. */
export const state = (text) => element("span", { className: `state ${text}` }, text);

/** A table whose rows are cards on a narrow page; roles are said because styles take them away there. */
export function table(caption, columns, rows) {
  const head = element("tr", { role: "row" }, ...columns.map((name) => element("th", { scope: "col", role: "columnheader" }, name)));
  const body = element("tbody", { role: "rowgroup" });
  const made = element("table", { role: "table" },
    element("caption", {}, caption), element("thead", { role: "rowgroup" }, head), body);
  made.add = (more) => {
    for (const { id, cells } of more) {
      const row = element("tr", { role: "row", "data-id": id });
      cells.forEach((cell, n) => row.append(
        element("td", { role: "cell", "data-label": columns[n] }, element("div", {}, cell ?? "–"))));
      body.append(row);
    }
  };
  made.add(rows);
  return made;
}

/** A list that is read page by page: `read(cursor)` gives `{items, next}`, `row(item)` a row. */
export async function paged(caption, columns, read, row, nothing) {
  const first = await read();
  if (first.items.length === 0) return element("p", { className: "empty" }, nothing);
  const list = table(caption, columns, first.items.map(row));
  const more = element("button", { type: "button", className: "more" }, "Show more");
  let next = first.next;
  more.hidden = next === null;
  more.addEventListener("click", () => attempt(more, async () => {
    const page = await read(next);
    list.add(page.items.map(row));
    next = page.next;
    more.hidden = next === null;
  }));
  return element("div", {}, list, more);
}

/** A button that does something, says so, and then shows the page anew. */
export function action(label, act, { danger = false, name = label } = {}) {
  const made = element("button", { type: "button", className: danger ? "danger" : "", "aria-label": name }, label);
  made.addEventListener("click", () => attempt(made, act));
  return made;
}

export const actions = (...buttons) => {
  const given = buttons.filter(Boolean);
  return given.length === 0 ? null : element("div", { className: "actions" }, ...given);
};

/** A labelled field of a form. */
export function field(id, label, control, help) {
  control.id = id;
  if (help) control.setAttribute("aria-describedby", `${id}-help`);
  return element("div", { className: "field" }, element("label", { for: id }, label), control,
    help ? element("p", { className: "help", id: `${id}-help` }, ...prose(help)) : null);
}

/** A field for one line of text. */
export const input = (id, label, { help, ...properties } = {}) =>
  field(id, label, element("input", { autocomplete: "off", ...properties }), help);

/** A field with a choice: pairs of a value and its label. */
export const choice = (id, label, options, help) =>
  field(id, label, element("select", {}, ...options.map(([value, text]) => element("option", { value }, text))), help);

/** A form that opens under a heading. */
export function opening(id, title, submit, fields, act) {
  const button = element("button", { type: "submit", className: "primary" }, submit);
  const form = element("form", { id, autocomplete: "off" }, ...fields, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    attempt(button, act);
  });
  return element("details", { className: "new" }, element("summary", {}, title), form);
}

byId("dialog").addEventListener("cancel", (event) => {
  if (byId("dialog-cancel").hidden) event.preventDefault();
});

/** Asks, and says whether the answer is yes. */
export function ask(title, body, confirm, { danger = false, cancel = "Cancel" } = {}) {
  const dialog = byId("dialog");
  byId("dialog-title").textContent = title;
  byId("dialog-body").replaceChildren(...body);
  byId("dialog-confirm").textContent = confirm;
  byId("dialog-confirm").className = danger ? "danger" : "primary";
  byId("dialog-cancel").textContent = cancel;
  byId("dialog-cancel").hidden = cancel === "";
  dialog.returnValue = "";
  // Where there is nothing to cancel, the Escape key must not take away what is shown this once.
  dialog.closedBy = cancel === "" ? "none" : "closerequest";
  dialog.showModal();
  // What cannot be undone, or shown again, is not what the Enter key does.
  const first = cancel === "" ? byId("dialog-body").querySelector("button") : byId(danger ? "dialog-cancel" : "dialog-confirm");
  first?.focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      answer(dialog.returnValue === "confirm");
      byId("dialog-body").replaceChildren();
    }, { once: true });
  });
}
