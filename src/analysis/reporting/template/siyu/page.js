(function () {
"use strict";
var d = document, words = d.body.dataset, language = d.documentElement.lang;
function all(what, within) { return [].slice.call((within || d).querySelectorAll(what)); }
function make(tag, kind, text) {
  var made = d.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

/* tables: sort by any column, numbers as numbers; totals stay at the end */
function worth(cell, numeric) {
  var text = cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  if (text === "" || text === "\u2014") return null;
  if (!numeric && cell.dataset.v === undefined) return text;
  var found = text.replace(/[,\s]/g, "").replace(/\u2212/g, "-").match(/-?\d+(\.\d+)?(e-?\d+)?/);
  return numeric ? (found ? +found[0] : null) : (found && found[0] === text ? +text : text);
}
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), language, { numeric: true });
}
function sort(body, rows, column, numeric, way) {
  var keyed = rows.map(function (row, place) { return { row: row, key: worth(row.cells[column], numeric), place: place }; });
  if (way) keyed.sort(function (a, b) {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
    return way * compare(a.key, b.key) || a.place - b.place;
  });
  keyed.forEach(function (one) { body.appendChild(one.row); });
  all("tr.sumrow", body).forEach(function (row) { body.appendChild(row); });
}
function sortable(table) {
  var body = table.tBodies[0], rows = all("tr:not(.sumrow)", body), heads = all("thead th", table);
  if (rows.length < 3) return;
  heads.forEach(function (head, column) {
    if (!head.textContent.trim()) return;
    var button = make("button", "sort");
    button.type = "button";
    button.title = words.wordSort;
    while (head.firstChild) button.appendChild(head.firstChild);
    head.appendChild(button);
    button.addEventListener("click", function () {
      var numeric = head.classList.contains("n"), was = head.getAttribute("aria-sort");
      var order = numeric ? ["descending", "ascending", null] : ["ascending", "descending", null];
      var now = order[(order.indexOf(was) + 1) % 3];
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      if (now) head.setAttribute("aria-sort", now);
      sort(body, rows, column, numeric, now === "ascending" ? 1 : now ? -1 : 0);
    });
  });
}

/* a box that hides what does not hold the words in it */
function filter(items, before) {
  var box = make("div", "find"), input = make("input"), count = make("span");
  input.type = "search";
  input.placeholder = words.wordFind;
  input.setAttribute("aria-label", words.wordFind);
  count.setAttribute("role", "status");
  box.appendChild(input);
  box.appendChild(count);
  before.parentNode.insertBefore(box, before);
  var texts = items.map(function (item) { return item.textContent.toLowerCase(); });
  input.addEventListener("input", function () {
    var asked = input.value.toLowerCase().split(/\s+/).filter(Boolean), left = 0;
    items.forEach(function (item, place) {
      item.hidden = !asked.every(function (part) { return texts[place].indexOf(part) >= 0; });
      left += item.hidden ? 0 : 1;
    });
    count.textContent = asked.length ? left + " / " + items.length : "";
  });
}

/* charts: the value under a pointer or a finger, series on and off */
var tip = make("div", "tip");
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
function near(points, x, y, reach) {
  var best = null, least = reach;
  points.forEach(function (point) {
    var box = point.mark.getBoundingClientRect();
    var across = Math.max(box.left - x, 0, x - box.right), down = Math.max(box.top - y, 0, y - box.bottom);
    var far = Math.hypot(across, down) + Math.hypot(x - (box.left + box.right) / 2, y - (box.top + box.bottom) / 2) / 1e3;
    if (far < least && !point.mark.closest(".off")) { least = far; best = { text: point.text, box: box }; }
  });
  return best;
}
function tell(found) {
  tip.hidden = !found;
  if (!found) return;
  tip.textContent = found.text;
  var room = d.documentElement.clientWidth, middle = (found.box.left + found.box.right) / 2;
  tip.style.left = Math.max(8, Math.min(middle - tip.offsetWidth / 2, room - tip.offsetWidth - 8)) + window.scrollX + "px";
  var above = found.box.top - tip.offsetHeight - 8;
  tip.style.top = (above < 0 ? found.box.bottom + 8 : above) + window.scrollY + "px";
}
function pointed(picture) {
  var points = all("title", picture).map(function (title) {
    var mark = title.parentNode;
    mark.removeChild(title);
    return { mark: mark, text: title.textContent };
  });
  if (!points.length) return;
  ["pointermove", "pointerdown"].forEach(function (kind) {
    picture.addEventListener(kind, function (event) {
      tell(near(points, event.clientX, event.clientY, event.pointerType === "touch" ? 28 : 12));
    });
  });
  picture.addEventListener("pointerleave", function (event) { if (event.pointerType !== "touch") tell(null); });
}
function series(figure) {
  var names = [];
  all("[data-s]", figure).forEach(function (part) { if (names.indexOf(part.dataset.s) < 0) names.push(part.dataset.s); });
  if (names.length < 2) return;
  var keys = make("div", "keys");
  keys.setAttribute("role", "group");
  keys.setAttribute("aria-label", words.wordSeries);
  names.forEach(function (name) {
    var key = make("button", "", name);
    key.type = "button";
    key.setAttribute("aria-pressed", "true");
    key.addEventListener("click", function () {
      var on = key.getAttribute("aria-pressed") !== "true";
      key.setAttribute("aria-pressed", String(on));
      all("[data-s]", figure).forEach(function (part) { if (part.dataset.s === name) part.classList.toggle("off", !on); });
    });
    keys.appendChild(key);
  });
  figure.insertBefore(keys, figure.firstChild);
}

/* the explorer: which choice wins within the limits that the sliders set */
function explorer(box) {
  var data = JSON.parse(box.querySelector("script").textContent), sliders = all("input", box), outputs = all("output", box);
  var list = box.querySelector("ol"), say = all(".win > *", box);
  var rows = data.choices.map(function (choice) {
    var row = make("li");
    row.appendChild(make("span", "", choice.name));
    row.appendChild(make("span"));
    list.appendChild(row);
    return row;
  });
  function go() {
    var limits = sliders.map(function (slider, place) {
      var step = data.steps[place][+slider.value];
      outputs[place].textContent = step[1];
      slider.setAttribute("aria-valuetext", step[1]);
      return step[0] === null ? Infinity : step[0];
    });
    var winner = null;
    data.choices.forEach(function (choice, place) {
      var over = limits.map(function (limit, i) { return choice.uses[i] > limit; });
      var fits = over.indexOf(true) < 0;
      if (fits && !winner) winner = choice;
      rows[place].className = fits ? (choice === winner ? "first" : "fits") : "";
      rows[place].lastChild.textContent = fits ? choice.earns
        : over.map(function (is, i) { return is ? choice.used[i] : ""; }).filter(Boolean).join(data.and);
    });
    say[0].textContent = winner ? winner.name : data.none[0];
    say[1].textContent = winner ? winner.says : data.none[1];
  }
  sliders.forEach(function (slider) { slider.addEventListener("input", go); });
  box.hidden = false;
  go();
}

all("main table").forEach(function (table) {
  if (!table.tHead || !table.tBodies.length) return;
  sortable(table);
  var rows = all("tbody tr:not(.sumrow)", table);
  if (rows.length > 12 && !table.closest("[data-find]")) filter(rows, table.parentNode);
});
all("[data-find]").forEach(function (part) { filter(all(part.dataset.find, part), part); });
all(".fig").forEach(function (figure) { all("svg", figure).forEach(pointed); series(figure); });
all(".exp").forEach(explorer);
d.body.appendChild(tip);
["scroll", "resize"].forEach(function (kind) { window.addEventListener(kind, function () { tell(null); }); });
})();
