/* What stands where on the page that is open: run from outside of it, and so allowed by no policy of the page. */
(function () {
  "use strict";
  var d = document, room = d.documentElement.clientWidth, printed = matchMedia("print").matches;
  function all(what, within) { return [].slice.call((within || d).querySelectorAll(what)); }
  function shown(e) {
    return e.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true }) && e.getClientRects().length > 0
      && (!e.closest("svg") || e.getBoundingClientRect().width > 0);
  }
  function short(text) { return text.trim().replace(/\s+/g, " ").slice(0, 60); }
  /* a line's box is higher than its letters: what counts is eight tenths of the type size around its middle */
  function letters(box, size) {
    var middle = (box.top + box.bottom) / 2, half = Math.min(0.4 * size, (box.bottom - box.top) / 2);
    return [box.left, middle - half, box.right, middle + half];
  }

  var texts = [], walker = d.createTreeWalker(d.body, NodeFilter.SHOW_TEXT), node, range = d.createRange();
  while ((node = walker.nextNode())) {
    var holder = node.parentElement;
    if (!node.data.trim() || holder.closest("script, style, title, .vh, .skip") || !shown(holder)) continue;
    var svg = holder.closest("svg"), size = parseFloat(getComputedStyle(holder).fontSize);
    if (svg) {
      if (texts.length && texts[texts.length - 1].of === holder.closest("text")) continue;
      var scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      range.selectNodeContents(holder.closest("text"));
      var box = holder.closest("text").getBoundingClientRect();
      if (!holder.closest("[transform*=rotate]") || /rotate\(-?0/.test(holder.closest("[transform*=rotate]").getAttribute("transform")))
        texts.push({ text: short(holder.closest("text").textContent), box: letters(box, size * scale), size: size * scale, svg: svg, of: holder.closest("text") });
      continue;
    }
    range.selectNodeContents(node);
    [].forEach.call(range.getClientRects(), function (box) {
      if (box.width > 1) texts.push({ text: short(node.data), box: letters(box, size), size: size, table: holder.closest(".tw, .out"), of: node });
    });
  }

  var cut = [], small = [], clashes = [];
  texts.forEach(function (t) {
    var frame = t.svg ? t.svg.getBoundingClientRect() : { left: 0, right: room };
    var slides = t.table && !printed;
    if (!slides && (t.box[0] < frame.left - 2 || t.box[2] > frame.right + 2)) cut.push(t.text);
    if (!slides && (t.box[0] < -1 || t.box[2] > room + 1)) cut.push(t.text);
    if (t.size < (printed ? 10.2 : room < 360 ? 10.4 : 11.9)) small.push(t.text + " " + t.size.toFixed(1));
  });
  /* texts whose letters meet: by their upper ends, each against those that begin before it ends */
  texts.sort(function (a, b) { return a.box[1] - b.box[1]; });
  texts.forEach(function (a, place) {
    for (var i = place + 1; i < texts.length && texts[i].box[1] < a.box[3] - 2; i += 1) {
      var b = texts[i], across = Math.min(a.box[2], b.box[2]) - Math.max(a.box[0], b.box[0]);
      var down = Math.min(a.box[3], b.box[3]) - b.box[1];
      if (a.of !== b.of && across > 1 && down > 2 && !(a.table && a.table === b.table && !printed && covered(a, b))) clashes.push([a.text, b.text]);
    }
  });
  /* under a column that stays in place while the table slides */
  function covered(a, b) { return stays(a) !== stays(b); }
  function stays(t) { var cell = t.of.parentElement.closest("th,td"); return !!cell && getComputedStyle(cell).position === "sticky"; }

  var ids = all("[id]").map(function (e) { return e.id; });
  return {
    scroll: d.scrollingElement.scrollWidth,
    room: room,
    texts: texts.length,
    cut: cut, small: small, clashes: clashes,
    wide: all("body *").filter(function (e) {
      return shown(e) && !(e.closest(".tw, .out") && !printed) && !e.closest("svg") && e.getBoundingClientRect().right > room + 1;
    }).map(function (e) { return e.tagName + "." + e.className; }),
    drawings: all("svg[role=img]").filter(shown).map(function (s) { return s.getAttribute("class"); }),
    headings: all("h1").filter(shown).length,
    twice: ids.filter(function (id, place) { return ids.indexOf(id) !== place; }),
    requests: performance.getEntriesByType("resource").map(function (e) { return e.name; }).filter(function (name) { return name.indexOf("data:") !== 0; }),
    opened: performance.getEntriesByType("navigation")[0].loadEventEnd
  };
})()
