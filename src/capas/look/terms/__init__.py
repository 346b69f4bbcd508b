"""Terms: the words of images and containers, each explained with a drawing of the reader's own store."""
