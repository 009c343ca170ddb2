import tarfile


def unpack(archive: bytes) -> None:
    import io

    with tarfile.open(fileobj=io.BytesIO(archive)) as bundle:
        bundle.extractall("out")
