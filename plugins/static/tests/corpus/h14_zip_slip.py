import os
import zipfile


def unpack(archive: bytes) -> int:
    import io

    count = 0
    with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
        for member in bundle.namelist():
            destination = os.path.join("unpacked", member)
            with open(destination, "wb") as out:
                out.write(bundle.read(member))
            count += 1
    return count
