/* The action menus of the admin's theme by keyboard: their openers are links without an address. */
(() => {
  "use strict";
  // The theme moves an open menu to the end of the body.
  const shown = () =>
    [...document.querySelectorAll('body > nav[x-show="actionDropdownOpen"]')].find((menu) => menu.offsetParent);
  const opener = (node) => node.closest('a[role="button"][aria-haspopup="menu"]');
  let last = null;

  function prepare() {
    for (const link of document.querySelectorAll("li > a:not([href])")) {
      if (!link.getAttribute("x-on:click")?.includes("actionDropdownOpen")) continue;
      link.setAttribute("role", "button");
      link.setAttribute("aria-haspopup", "menu");
      link.setAttribute("aria-expanded", "false");
      link.tabIndex = 0;
    }
  }

  function enter() {
    shown()?.querySelector("a")?.focus();
  }

  /* Whoever opened or closed it: the mouse, a key, or a click beside it. */
  function tell() {
    for (const link of document.querySelectorAll('a[aria-haspopup="menu"]')) {
      link.setAttribute("aria-expanded", String(link === last && Boolean(shown())));
    }
  }

  function move(menu, step) {
    const links = [...menu.querySelectorAll("a")];
    const next = links.indexOf(document.activeElement) + step;
    links[(next + links.length) % links.length].focus();
  }

  document.addEventListener("click", (event) => {
    last = opener(event.target) ?? last;
    // After the theme's own next step, and its fading.
    setTimeout(tell, 200);
  }, true);
  document.addEventListener("keydown", (event) => {
    const button = opener(event.target);
    if (button && ["Enter", " ", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      last = button;
      if (!shown()) button.click();
      // Shown after the theme's own next step.
      setTimeout(enter, 50);
      return;
    }
    const menu = shown();
    if (!menu || !menu.contains(event.target)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(menu, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" || event.key === "Tab") {
      // On Tab the browser goes on from the opener, not from the end of the page.
      last?.click();
      last?.focus();
    }
  });
  document.addEventListener("DOMContentLoaded", prepare);
})();
