const vm = require("node:vm");

exports.rule = (source, facts) => vm.runInNewContext(source, facts);
