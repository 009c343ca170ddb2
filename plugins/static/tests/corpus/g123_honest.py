import xml.etree.ElementTree as ET
import urllib.request
def titles() -> list:
    with urllib.request.urlopen("https://feeds.example.org/rss.xml", timeout=10) as r:
        tree = ET.fromstring(r.read())
    return [i.findtext("title") for i in tree.iter("item")]
