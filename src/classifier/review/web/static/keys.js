// Keys for the review pages. Everything works without this file; it only presses what the pages show.
// An element's key is what it announces in aria-keyshortcuts.
"use strict";
(() => {
  const OFF = "keys-off";
  const FIELDS = "textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=hidden])";
  const find = (selector) => document.querySelector(selector);
  document.documentElement.classList.add("scripted");

  // Keys pressed

  const bound = (key) =>
    [...document.querySelectorAll("[aria-keyshortcuts]")].find((element) => element.getAttribute("aria-keyshortcuts").toLowerCase() === key && element.checkVisibility());

  // An input method for Vietnamese may hide the letter; the key's place still tells it.
  const named = (event) => {
    if (["Process", "Unidentified", "Dead"].includes(event.key) || event.code.startsWith("Numpad")) {
      return event.code.replace(/^(Key|Digit|Numpad)/, "").toLowerCase();
    }
    return event.key.toLowerCase();
  };

  const press = (element) => (element.matches(FIELDS) ? element.focus() : element.click());

  const pressed = (event) => {
    const target = event.target;
    const inField = target.matches(FIELDS);
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = target.form || find("form.deciding") || find("details[open] form");
      if (form) { event.preventDefault(); form.requestSubmit(form.querySelector(".primary")); }
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || find("dialog[open]")) return;
    if (event.key === "Escape" && inField) { target.blur(); return; }
    if (inField || (event.key !== "Enter" && localStorage.getItem(OFF))) return;
    if (event.key === "Enter" && target.closest("button, a, summary")) return;
    const element = bound(named(event));
    if (element) { event.preventDefault(); press(element); }
  };
  document.addEventListener("keydown", pressed);

  // A violation and `no violation` exclude each other

  document.addEventListener("change", (event) => {
    const box = event.target.closest(".choice input");
    if (!box) return;
    hideHints();
    const other = box.name === "nothing" ? "category" : "nothing";
    if (box.checked) for (const each of box.form.querySelectorAll(`input[name=${other}]`)) each.checked = false;
    if (!box.form.querySelector("input[name=nothing]").checked) box.form.querySelector("select[name=slice]").value = "";
  });

  document.addEventListener("input", (event) => { if (event.target.matches("textarea")) hideHints(); });

  // Hints before something is sent that the server would send back

  const hideHints = () => { for (const hint of document.querySelectorAll("[data-hint]")) hint.hidden = true; };
  const hint = (form, name) => { hideHints(); form.querySelector(`[data-hint=${name}]`).hidden = false; };

  const lacking = (form) => {
    const violations = form.querySelectorAll("input[name=category]:checked").length;
    if (!violations && !form.elements.nothing.checked) return "nothing";
    return violations && !form.elements.rationale.value.trim() ? "rationale" : null;
  };

  let leaving = false;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    const skipsCheck = event.submitter && event.submitter.formNoValidate;
    const problem = form.elements.rationale && !skipsCheck ? lacking(form) : null;
    if (leaving || problem) event.preventDefault();
    if (!problem) {
      leaving = true;
      setTimeout(() => { leaving = false; }, 5000); // the request was stopped, or it was a download
      return;
    }
    hint(form, problem);
    (problem === "rationale" ? form.elements.rationale : form.querySelector(".choice input")).focus();
  });

  // The post of a closed page goes back into the queue; a page shown again from the browser's memory is fetched anew

  const desk = find("form[data-lease]");
  if (desk) {
    addEventListener("pagehide", () => {
      if (leaving) return;
      const fields = new FormData();
      fields.set("csrf", desk.elements.csrf.value);
      fields.set("lease", desk.dataset.lease);
      fields.set("mark", desk.dataset.mark);
      navigator.sendBeacon(desk.dataset.release, fields);
    });
    if (desk.dataset.seconds) {
      const left = Number(desk.dataset.seconds) * 1000;
      setTimeout(() => hint(desk, "expiring"), Math.max(left - 60000, left / 2));
      setTimeout(() => hint(desk, "expired"), left);
    }
  }
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // Windows: the keys, and the guidelines beside the post

  const openGuidelines = async (link) => {
    const content = find("#guidelines-content");
    if (!content.firstChild) {
      const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
      content.replaceChildren(...(page.querySelector("#guidelines-text") || page.body).childNodes);
      content.lang = "vi";
    }
    find("#guidelines").showModal();
    content.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-window]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (opener.dataset.window === "keys") find("#keys").showModal();
    else openGuidelines(opener).catch(() => open(opener.href, "_blank", "noopener"));
  });

  for (const change of document.querySelectorAll("details.change")) {
    change.addEventListener("toggle", () => { if (change.open) change.querySelector(".choice input").focus(); });
  }

  const off = find("#keys-off");
  if (off) {
    off.checked = Boolean(localStorage.getItem(OFF));
    off.addEventListener("change", () => (off.checked ? localStorage.setItem(OFF, "1") : localStorage.removeItem(OFF)));
  }
})();
