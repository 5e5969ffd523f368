"""From raw corpora to a folder of data: getting them, reading each, encoding and binarizing."""
