// What htmx leaves to us: telling half-typed queries apart, focus, announcements, the filters' panel.
(() => {
  "use strict";
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  const isSearch = (event) => event.detail.elt?.id === "search-form";
  let wereFiltersOpen = false;
  let busy = 0;

  document.body.addEventListener("htmx:configRequest", (event) => {
    if (isSearch(event) && event.detail.triggeringEvent?.type === "input") {
      event.detail.parameters.set("typing", "1");
    }
  });

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!isSearch(event)) return;
    clearTimeout(busy);
    busy = setTimeout(() => main.setAttribute("aria-busy", "true"), 200);
  });

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const filters = document.getElementById("filters");
    wereFiltersOpen = event.detail.target === main && Boolean(filters?.matches(":popover-open"));
    if (event.detail.target.id === "more") {
      const last = event.detail.target.previousElementSibling;
      main.dataset.after = String([...event.detail.target.parentElement.children].indexOf(last) + 1);
    }
  });

  // "Show 214 films" is the way out of the panel.
  document.getElementById("search-form")?.addEventListener("submit", () => {
    const filters = document.getElementById("filters");
    if (filters?.matches(":popover-open")) filters.hidePopover();
  });

  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === main) {
      if (wereFiltersOpen) document.getElementById("filters")?.showPopover();
      live.textContent = main.querySelector(".total, .nothing h1")?.textContent ?? "";
    }
  });

  // The reader goes on where the new part of a list begins.
  document.body.addEventListener("htmx:afterSettle", () => {
    if (main.dataset.after === undefined) return;
    const list = main.querySelector(".hits, .covers");
    const first = list?.children[Number(main.dataset.after)];
    delete main.dataset.after;
    first?.querySelector("a:not([tabindex])")?.focus({ preventScroll: true });
  });

  document.body.addEventListener("htmx:afterRequest", () => {
    clearTimeout(busy);
    main.removeAttribute("aria-busy");
  });

  // An answer that is an error is a page: show it as one.
  document.body.addEventListener("htmx:responseError", (event) => {
    if (isSearch(event)) document.getElementById("search-form").submit();
  });
  document.body.addEventListener("htmx:sendError", () => {
    live.textContent = "The site cannot be reached. What you see is what was loaded last.";
    live.classList.remove("hidden");
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });
})();
