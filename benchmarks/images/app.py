"""A guest book: the smallest web application that is still one."""

import os
import platform

from flask import Flask, request

app = Flask(__name__)
guests: list[str] = []


@app.get("/")
def read() -> dict[str, object]:
    """Who was here, and what serves them."""
    return {
        "greeting": "¡Hola desde Capas!",
        "guests": guests,
        "python": platform.python_version(),
        "user": os.getuid(),
    }


@app.post("/")
def write() -> tuple[str, int]:
    """Sign the book."""
    guests.append(request.get_data(as_text=True)[:80])
    return "gracias\n", 201


if __name__ == "__main__":
    app.run(host=os.environ.get("HOST", "0.0.0.0"), port=int(os.environ.get("PORT", "8000")))
