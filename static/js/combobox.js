// The search field as a combobox with a list box (ARIA Authoring Practices Guide).
(() => {
  "use strict";
  const input = document.querySelector("[data-combobox]");
  const box = document.getElementById("suggestions");
  const live = document.getElementById("live");
  if (!input || !box) return;

  const DELAY_MS = 120;
  let timer = 0;
  let fetching = null;
  let active = -1;
  let typed = input.value;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", box.id);
  input.setAttribute("aria-autocomplete", "list");
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", "Suggestions");

  const options = () => [...box.querySelectorAll("[role=option]")];

  const close = () => {
    clearTimeout(timer);
    fetching?.abort();
    box.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  };

  const open = () => {
    const count = options().length;
    if (!count) return close();
    box.hidden = false;
    input.setAttribute("aria-expanded", "true");
    live.textContent = count === 1 ? "1 suggestion" : `${count} suggestions`;
  };

  const mark = (index) => {
    active = index;
    options().forEach((option, place) => {
      option.setAttribute("aria-selected", String(place === index));
      if (place === index) option.scrollIntoView({ block: "nearest" });
    });
    const chosen = options()[index];
    if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const load = async () => {
    typed = input.value;
    if (!typed.trim()) return close();
    fetching?.abort();
    fetching = new AbortController();
    const url = `${input.dataset.combobox}?q=${encodeURIComponent(typed)}`;
    try {
      const answer = await fetch(url, { signal: fetching.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return close();
      box.innerHTML = await answer.text();
      mark(-1);
      if (document.activeElement === input) open();
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };

  const move = (step) => {
    const count = options().length;
    if (box.hidden) return count ? open() : load();
    // A list that comes late would take away what is being chosen from.
    clearTimeout(timer);
    fetching?.abort();
    // One place more than there are options: the field itself.
    mark(((active + 1 + step + count + 1) % (count + 1)) - 1);
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, DELAY_MS);
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      location.assign(options()[active].dataset.url);
    } else if (event.key === "Escape" && !box.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Tab") {
      close();
    }
  });

  // The field keeps the focus while an option is pressed.
  box.addEventListener("mousedown", (event) => event.preventDefault());
  box.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.url);
  });
  input.addEventListener("blur", close);
  input.form.addEventListener("submit", close);
})();
