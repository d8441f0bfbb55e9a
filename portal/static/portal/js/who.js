// Choosing a person or group beneath the field "who": by arrow keys and Enter, or by a click.
(() => {
  "use strict";

  const box = (input) => input.closest("[data-who]");
  const options = (input) => [...box(input).querySelectorAll("[role=option]")];
  const active = (input) => box(input).querySelector("[role=option][aria-selected=true]");

  const close = (input) => {
    box(input).querySelector("[data-found]").replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (input, option) => {
    for (const one of options(input)) one.setAttribute("aria-selected", String(one === option));
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const pick = (input, option) => {
    const holder = input.form.elements.namedItem("holder");
    input.value = option.dataset.name;
    if (holder && holder.type === "hidden") holder.value = option.dataset.value;
    close(input);
    input.dispatchEvent(new CustomEvent("picked", { bubbles: true }));
  };

  const field = (event) => (event.target.matches?.("[data-who] input[role=combobox]") ? event.target : null);

  document.addEventListener("keydown", (event) => {
    const input = field(event);
    if (!input) return;
    const shown = options(input);
    const at = shown.indexOf(active(input));
    if (event.key === "Escape" && shown.length) {
      close(input);
    } else if (event.key === "Enter" && at >= 0) {
      pick(input, shown[at]);
    } else if (event.key === "ArrowDown" && shown.length) {
      mark(input, shown[(at + 1) % shown.length]);
    } else if (event.key === "ArrowUp" && shown.length) {
      mark(input, shown[at <= 0 ? shown.length - 1 : at - 1]);
    } else {
      return;
    }
    event.preventDefault();
  });

  // What was picked is not what is typed now.
  document.addEventListener("input", (event) => {
    const input = field(event);
    const holder = input?.form.elements.namedItem("holder");
    if (holder && holder.type === "hidden") holder.value = "";
  });

  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[data-who] [role=option]");
    if (!option) return;
    event.preventDefault();
    pick(box(option).querySelector("input[role=combobox]"), option);
  });

  document.addEventListener("focusout", (event) => {
    const input = field(event);
    if (input) close(input);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const input = event.target.closest?.("[data-who]")?.querySelector("input[role=combobox]");
    if (!input) return;
    const shown = options(input);
    input.setAttribute("aria-expanded", String(shown.length > 0));
    input.removeAttribute("aria-activedescendant");
  });
})();
