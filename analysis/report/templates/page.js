"use strict";
// Everything here is more than the page needs: without it tables stand in the order of their data, figures have the
// titles of their points, and nothing is hidden.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, values, ...children) => {
    const made = Object.assign(document.createElement(tag), values);
    made.append(...children);
    return made;
  };

  // ---- Tables: a button in each head sorts, a field above filters.
  const UNITS = { "": 1, "%": 1, ns: 1, "µs": 1e3, ms: 1e6, s: 1e9, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
  const NUMBER = /^(-?[\d,]*\.?\d+(?:e[-+]?\d+)?)(?:\s?(%|ns|µs|ms|s|B|KiB|MiB|GiB|TiB))?(?: times as long)?(?: \(.*\)| \+ .*)?$/;
  const MISSING = /^–?$/;
  const textOf = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const numberOf = (text) => {
    const found = NUMBER.exec(text);
    return found ? Number(found[1].replaceAll(",", "")) * UNITS[found[2] ?? ""] : NaN;
  };
  const inOrder = (rows, column) => {
    const keys = new Map(rows.map((row) => [row, textOf(row, column)]));
    const there = rows.filter((row) => !MISSING.test(keys.get(row)));
    const numbers = there.every((row) => !Number.isNaN(numberOf(keys.get(row))));
    there.sort((a, b) =>
      numbers ? numberOf(keys.get(a)) - numberOf(keys.get(b)) : keys.get(a).localeCompare(keys.get(b), "en", { numeric: true }));
    return [there, rows.filter((row) => MISSING.test(keys.get(row)))];
  };
  const sortable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if ("plain" in head.dataset) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const [there, missing] = inOrder([...table.tBodies[0].rows], column);
        table.tBodies[0].append(...(down ? there.reverse() : there), ...missing);
      });
    });
  };
  const filterable = (table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 6) return;
    const input = make("input", { type: "search" });
    const count = make("span", { className: "count" });
    count.setAttribute("role", "status");
    (table.closest(".wide") ?? table).before(make("p", { className: "filter" }, make("label", {}, "Show rows with ", input), count));
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
      count.textContent = words.length ? ` ${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
    });
  };
  for (const table of all("table.sortable")) {
    if (table.tBodies[0].rows.length < 2) continue;
    sortable(table);
    filterable(table);
  }

  // ---- One mechanism stays marked through all figures and tables.
  const parts = all(".mark, .follows");
  let chosen = "";
  const choose = (series) => {
    chosen = series === chosen ? "" : series;
    for (const part of parts) part.classList.toggle("dim", chosen !== "" && part.dataset.series !== chosen);
    for (const row of all("tr[data-series]")) row.classList.toggle("chosen", row.dataset.series === chosen);
    for (const button of all(".choice button")) button.setAttribute("aria-pressed", String(button.dataset.series === chosen));
  };
  for (const group of all(".choice")) {
    group.hidden = false;
    for (const button of all("button", group)) button.addEventListener("click", () => choose(button.dataset.series));
  }
  // A shortcut for a pointer only; the buttons do the same for the keyboard.
  for (const head of all("tr[data-series] > th")) {
    head.classList.add("chooses");
    head.addEventListener("click", () => choose(head.parentElement.dataset.series));
  }

  // ---- Pointing: a box beside a mark says what it is.
  const box = make("div", { className: "pointed", hidden: true });
  box.setAttribute("role", "status");
  document.body.append(box);
  let at = null;
  const hide = () => {
    at?.classList.remove("at");
    at = null;
    box.hidden = true;
  };
  const show = (mark) => {
    if (mark === at) return;
    hide();
    at = mark;
    mark.classList.add("at");
    box.replaceChildren(make("strong", {}, mark.dataset.name), make("br"), mark.dataset.value);
    box.hidden = false;
    const place = mark.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.min(Math.max(place.left + place.width / 2 - box.offsetWidth / 2, 4), width - box.offsetWidth - 4);
    const above = place.top - box.offsetHeight - 8;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(above > 4 ? above : place.bottom + 8) + scrollY}px`;
  };
  const distance = (mark, x, y) => {
    const place = mark.getBoundingClientRect();
    return Math.hypot(Math.max(place.left - x, 0, x - place.right), Math.max(place.top - y, 0, y - place.bottom));
  };
  const nearest = (own, event) => {
    const direct = event.target.closest(".mark");
    if (direct) return direct;
    const reach = event.pointerType === "touch" ? 24 : 12;
    let best = null;
    let least = reach;
    for (const mark of own) {
      const far = distance(mark, event.clientX, event.clientY);
      if (far < least) [best, least] = [mark, far];
    }
    return best;
  };
  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const pointable = (svg) => {
    const rowOf = (mark) => Number(/\d+$/.exec(mark.id));
    const own = all(".mark", svg).sort((a, b) => rowOf(a) - rowOf(b)); // as in the table; drawn in another order
    if (!own.length) return;
    for (const title of all("title", svg)) title.remove(); // the box says the same
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("aria-description", `${own.length} points; arrow keys go from one to the next, Enter marks its mechanism`);
    let place = -1;
    const point = (event) => {
      const mark = nearest(own, event);
      mark ? show(mark) : hide();
      return mark;
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hide());
    svg.addEventListener("pointercancel", hide); // a finger that scrolls
    svg.addEventListener("blur", hide);
    svg.addEventListener("click", (event) => {
      const mark = nearest(own, event);
      if (mark) choose(mark.dataset.series);
    });
    svg.addEventListener("keydown", (event) => {
      if (event.key in STEPS) {
        place = (place + STEPS[event.key] + own.length + (place < 0 && STEPS[event.key] < 0 ? 1 : 0)) % own.length;
      } else if (event.key === "Home") place = 0;
      else if (event.key === "End") place = own.length - 1;
      else if (event.key === "Enter" && place >= 0) return choose(own[place].dataset.series);
      else return;
      event.preventDefault();
      own[place].scrollIntoView({ block: "nearest", inline: "nearest" });
      show(own[place]);
    });
  };
  all(".drawing svg").forEach(pointable);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (at) hide();
    else if (chosen) choose(chosen);
  });

  // ---- Paper has no click: everything is open on it.
  let closed = [];
  addEventListener("beforeprint", () => {
    hide();
    closed = all("details:not([open])");
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
