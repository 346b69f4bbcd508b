"""The web pages: rendered here, in the reader's language, whole without a script. `frame.py` tells how to add one."""
