// Sets the theme before the first paint, and changes it: system, light, dark. Loaded without `defer` on purpose.
(() => {
  "use strict";
  const KEY = "paddock-theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      const stored = localStorage.getItem(KEY);
      return stored === "light" || stored === "dark" ? stored : "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  };

  const apply = () => {
    const choice = chosen();
    root.dataset.bsTheme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const label = button.dataset[`label${choice[0].toUpperCase()}${choice.slice(1)}`];
      button.title = label;
      button.querySelector("[data-theme-label]").textContent = label;
    }
    document.dispatchEvent(new CustomEvent("paddock:theme"));
  };

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const next = { auto: "light", light: "dark", dark: "auto" }[chosen()];
    try {
      if (next === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      root.dataset.bsTheme = next === "auto" ? (system.matches ? "dark" : "light") : next;
      return;
    }
    apply();
  });
})();
