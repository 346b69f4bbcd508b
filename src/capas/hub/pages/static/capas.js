// What no page can do without a script: copy to the clipboard. Everything else works without this file.
"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = before; }, 1500);
});
const reveal = (root) => root.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
reveal(document);
document.addEventListener("htmx:load", (event) => reveal(event.target));
