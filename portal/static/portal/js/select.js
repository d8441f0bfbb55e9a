// Choosing rows: one box for all of the page, and the bar with what can be done to them.
(() => {
  "use strict";

  const update = (form) => {
    const boxes = [...form.querySelectorAll("[data-pick]")];
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr").toggleAttribute("data-chosen", box.checked);
    const all = form.querySelector("[data-pick-all]");
    if (all) {
      all.checked = boxes.length > 0 && chosen.length === boxes.length;
      all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    }
    for (const bar of form.querySelectorAll("[data-bulk]")) {
      bar.hidden = chosen.length === 0;
      for (const count of bar.querySelectorAll("[data-bulk-count]")) count.textContent = String(chosen.length);
    }
  };

  const start = () => {
    for (const bar of document.querySelectorAll("[data-bulk]")) update(bar.closest("form") || document.body);
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form") || document.body;
    if (event.target.matches("[data-pick-all]")) {
      for (const box of form.querySelectorAll("[data-pick]")) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-pick-all], [data-pick]")) update(form);
  });
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:afterSettle", start);
  window.addEventListener("pageshow", start);
})();
