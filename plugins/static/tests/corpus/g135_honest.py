import zipfile, io
def names(data: bytes) -> list:
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return [i.filename for i in z.infolist() if not i.is_dir()]
