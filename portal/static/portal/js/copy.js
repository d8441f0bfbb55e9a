// Copies the text of an element or of the button itself.
(() => {
  "use strict";

  const put = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // A page that is not served over HTTPS has no clipboard of its own.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    return undefined;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const text = button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent;
    await put(text);
    document.dispatchEvent(
      new CustomEvent("paddock:toast", { detail: { text: document.body.dataset.sayCopied, tone: "ok" } }),
    );
  });
})();
