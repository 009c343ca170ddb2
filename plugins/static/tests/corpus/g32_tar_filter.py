import tarfile
import tempfile


def unpack(archive: str) -> list:
    names = []
    with tarfile.open("inbox.tar") as bundle:
        folder = tempfile.mkdtemp()
        bundle.extractall(folder, filter="data")
        names = bundle.getnames()
    return names
