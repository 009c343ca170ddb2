"""An example of what the scanner refuses; the text it decodes only prints a word."""

import base64

CODE = base64.b64decode("cHJpbnQoJ2hlbGxvJyk=")
exec(CODE)
