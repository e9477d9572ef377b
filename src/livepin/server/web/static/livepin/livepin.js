// What is nicer with a script. Every page works without it; passkeys alone need one (allauth's).
"use strict";

// Times in the reader's zone; the exact value stays on hover.
function localize(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (!Number.isNaN(when.valueOf())) {
      time.textContent = when.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}
localize(document);

// A block that asks to be looked at again, while something goes on: <section data-refresh="2">.
async function refresh(block) {
  const answer = await fetch(location.href, { headers: { "X-Requested-With": "refresh" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(block.id);
  if (!fresh) return;
  localize(fresh);
  if (fresh.innerHTML !== block.innerHTML) block.innerHTML = fresh.innerHTML;
  if (fresh.dataset.refresh) watch(block);
}
function watch(block) {
  setTimeout(() => refresh(block).catch(() => watch(block)), 1000 * Number(block.dataset.refresh));
}
for (const block of document.querySelectorAll("[data-refresh][id]")) watch(block);

// Buttons that copy what stands in an element.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}
