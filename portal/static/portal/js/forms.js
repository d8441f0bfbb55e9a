// Forms: warns before typed text is lost, sends once, and leads to what is wrong.
(() => {
  "use strict";
  const changed = new Set();

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-guard]");
    if (form) changed.add(form);
  });
  document.addEventListener("submit", (event) => {
    changed.delete(event.target);
    if (!event.target.matches("form[method=post]")) return;
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (!event.target.matches("[hx-post], [data-hx-post]")) event.target.dataset.sent = "1";
  });
  // Back from the cache of the browser: the form may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
  window.addEventListener("beforeunload", (event) => {
    const open = [...changed].some((form) => form.isConnected);
    if (open) event.preventDefault();
  });

  const lead = () => document.querySelector("[data-focus]")?.focus();
  document.addEventListener("DOMContentLoaded", lead);
  document.addEventListener("htmx:afterSettle", (event) => event.detail.elt.querySelector?.("[data-focus]")?.focus());
})();
