const fs = require("fs");
const path = require("path");

const ROOT = path.join(__dirname, "templates");

module.exports.show = function show(name) {
  return fs.readFileSync(path.join(ROOT, name), "utf8");
};
