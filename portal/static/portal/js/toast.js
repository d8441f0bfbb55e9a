// Short notices at the edge of the page: what an htmx request could not do, with the id under which the log has it.
(() => {
  "use strict";
  const say = (name) => document.body.dataset[name];

  const show = (text, tone) => {
    const shape = document.getElementById("toast-shape");
    const toast = shape.content.firstElementChild.cloneNode(true);
    if (tone) toast.className = `pd-toast pd-toast-${tone}`;
    toast.querySelector("[data-text]").textContent = text;
    document.getElementById("toasts").append(toast);
    if (tone === "ok") setTimeout(() => toast.remove(), 6000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toast-close]");
    if (button) button.closest(".pd-toast").remove();
  });
  document.addEventListener("paddock:toast", (event) => show(event.detail.text, event.detail.tone));

  document.addEventListener("htmx:responseError", (event) => {
    const id = event.detail.xhr.getResponseHeader("X-Request-Id");
    show(id ? `${say("sayFailed")} ${say("sayId")}: ${id}` : say("sayFailed"));
  });
  document.addEventListener("htmx:sendError", () => show(say("sayOffline")));
  document.addEventListener("htmx:timeout", () => show(say("sayOffline")));
})();
