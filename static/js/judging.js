/* Judging by keyboard. The page is a plain form without this: keys press its buttons. */
(() => {
  "use strict";
  const STORED = "foray-judging-keys";
  let busy = false;

  const root = () => document.getElementById("judging");
  const say = (text) => { document.getElementById("judging-said").textContent = text; };
  const keysOn = () => localStorage.getItem(STORED) !== "off";

  function fresh(first) {
    const box = root().querySelector(".judge-keys");
    if (box) {
      box.hidden = false;
      box.querySelector("input").checked = keysOn();
    }
    root().classList.toggle("no-keys", !keysOn());
    if (matchMedia("(max-width: 800px)").matches) {
      const guideline = root().querySelector(".judge-guideline");
      if (guideline) guideline.open = false;
    }
    const heading = root().querySelector("[data-focus]");
    if (!heading) return;
    heading.focus({ preventScroll: true });
    if (!first) window.scrollTo({ top: 0 });
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && typing && root().contains(typing)) {
      typing.blur();
      root().querySelector("[data-focus]").focus();
      return;
    }
    // A key that is held down judges one pair, not all that follow.
    if (typing || busy || event.repeat || !keysOn()) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const wanted = [...root().querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key.toLowerCase());
    if (!wanted) return;
    event.preventDefault();
    if (wanted.tagName === "TEXTAREA") wanted.focus();
    else if (wanted.tagName === "DETAILS") {
      wanted.open = !wanted.open;
      wanted.querySelector("summary").focus();
    } else wanted.click();
  });

  document.addEventListener("change", (event) => {
    if (!event.target.closest(".judge-keys")) return;
    localStorage.setItem(STORED, event.target.checked ? "on" : "off");
    root().classList.toggle("no-keys", !event.target.checked);
  });

  document.addEventListener("submit", () => { busy = true; });
  window.addEventListener("pageshow", () => { busy = false; });
  document.addEventListener("htmx:beforeRequest", () => { busy = true; });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) {
      busy = false;
      say("");
      say("That was not sent. Press the key again.");
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    // Whoever was signed out meanwhile is answered with another page.
    if (!event.detail.xhr.responseText.includes('id="judging"')) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    say(root().dataset.said);
    fresh(false);
    busy = false;
  });
  fresh(true);
})();
