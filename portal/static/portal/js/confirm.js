// Asks before a button with data-confirm is carried out, and opens the dialogs of a page.
(() => {
  "use strict";
  const agreed = new WeakSet();

  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("[data-confirm]");
      if (!button || agreed.has(button)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(button);
    },
    true,
  );

  const ask = (button) => {
    const dialog = document.getElementById("confirm");
    const yes = dialog.querySelector("[data-yes]");
    const detail = dialog.querySelector("[data-detail]");
    dialog.querySelector("[data-question]").textContent = button.dataset.confirm;
    detail.textContent = button.dataset.confirmDetail || "";
    detail.hidden = !button.dataset.confirmDetail;
    yes.textContent = button.dataset.confirmLabel || button.textContent.trim();
    const answer = (event) => {
      const said = event.target.closest("[data-yes], [data-no]");
      if (!said) return;
      dialog.close();
      if (said !== yes) return;
      agreed.add(button);
      button.click();
      agreed.delete(button);
    };
    dialog.addEventListener("click", answer);
    dialog.addEventListener("close", () => { dialog.removeEventListener("click", answer); button.focus(); }, { once: true });
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.querySelector(opener.dataset.dialog).showModal();
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) closer.closest("dialog").close();
  });
})();
