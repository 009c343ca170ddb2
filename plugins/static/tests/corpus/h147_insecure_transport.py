import ssl, urllib.request
def get():
    ctx = ssl._create_unverified_context()
    return urllib.request.urlopen("https://a.example/x", context=ctx).read()
