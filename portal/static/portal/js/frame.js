// The frame: the menu on narrow screens, and menus that close when one looks elsewhere.
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-menu]");
    if (button) {
      event.preventDefault();
      const open = document.getElementById("nav").toggleAttribute("data-open");
      button.setAttribute("aria-expanded", String(open));
    }
    for (const menu of document.querySelectorAll("details[data-menu-details][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu-details][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
