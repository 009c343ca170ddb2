"""The HTTP side: one small router over the paths of the review API, so that every answer, errors included, has its shape and headers."""
