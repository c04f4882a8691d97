"use strict";
(function () {
  var tools = document.getElementById("tools");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr[data-f]"));
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var fields = ["q", "s", "a", "h"].map(function (id) { return document.getElementById(id); });
  var count = document.getElementById("count");
  function filter() {
    var words = fields[0].value.toLowerCase();
    var shown = 0;
    rows.forEach(function (row, i) {
      var ok = (!words || texts[i].indexOf(words) >= 0) &&
        (!fields[1].value || row.dataset.s === fields[1].value) &&
        (!fields[2].value || row.dataset.a === fields[2].value) &&
        (!fields[3].value || row.dataset.h === fields[3].value);
      row.hidden = !ok;
      var detail = document.getElementById(row.dataset.f);
      if (detail) { detail.hidden = !ok; }
      if (ok) { shown += 1; }
    });
    count.textContent = shown + " of " + rows.length + " rows shown";
  }
  if (tools && count && fields.every(Boolean)) {
    tools.hidden = false;
    fields.forEach(function (field) { field.addEventListener("input", filter); });
    filter();
  }
  function open() {
    var target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", open);
  open();
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
  document.querySelectorAll(".zoom").forEach(function (box) {
    box.hidden = false;
    var at = 1;
    box.querySelectorAll("button").forEach(function (button) {
      button.addEventListener("click", function () {
        at = Math.min(3, Math.max(1, at + Number(button.value)));
        var picture = box.nextElementSibling;
        picture.classList.remove("z2", "z3");
        if (at > 1) { picture.classList.add("z" + at); }
      });
    });
  });
})();
