// Lists and polling fragments: clean addresses, refused filters shown in place, results announced, no polling unseen.
(() => {
  "use strict";

  // An empty field is no filter: it stays out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    // A page that refreshes itself is no sign of a person: the session's idle time runs on.
    if (event.detail.elt.matches("[data-poll]")) event.detail.headers["X-Poll"] = "1";
    if (!event.detail.elt.matches("[data-filters]")) return;
    const parameters = event.detail.parameters;
    for (const name of Object.keys(parameters)) {
      if (parameters[name] === "") delete parameters[name];
    }
  });

  // A filter that cannot be used is answered with 400 and a fragment that says so; it belongs into the list.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status === 400 && target && target.matches("[data-list]")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const list = event.detail.elt.closest?.("[data-list]");
    if (list) document.getElementById("live").textContent = list.dataset.summary;
  });

  // A hidden tab does not ask; it catches up with the next tick after it is seen again.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches("[data-poll]")) event.preventDefault();
  });
})();
