"""A browser without a screen: cookies, and forms sent as they are."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import urllib3

from support.people import PASSWORD


class Plain:
    """A browser without a screen: cookies, and forms sent as they are."""

    def __init__(self, address: str) -> None:
        self.address, self.cookies = address, dict[str, str]()

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        answer = urllib3.request(method, f"http://{self.address}{path}", body=body, headers=sent, redirect=False)
        for line in answer.headers.getlist("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0].strip('"')
        return answer

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.send("GET", path).data.decode())
        assert found is not None
        return found[1]

    def log_in(self, name: str, password: str = PASSWORD, **fields: str) -> urllib3.BaseHTTPResponse:
        form = {"csrf": self.token("/login"), "name": name, "password": password, **fields}
        return self.send("POST", "/login", urlencode(form))
