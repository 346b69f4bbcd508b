"""What a failed connection means: urllib3's exceptions as Unavailable, with a reason that code can act on."""

from __future__ import annotations

import http.client
import ssl

from urllib3 import exceptions as raw

from capas.errors import CapasError, Invalid
from capas.registry.retry import unavailable

_PLAIN = (
    "wrong_version_number",
    "http_request",
    "unexpected_message",
    "packet_length_too_long",
    "record_layer_failure",
)


def failure_of(error: Exception, url: str) -> CapasError:
    """The error to raise for one of the connection's. Raises: `error` itself where it is none of these."""
    if isinstance(error, raw.LocationValueError):
        return Invalid("not an address: {url}", url=url[:200])
    if isinstance(error, raw.ProxyError):
        return unavailable(url, "the proxy does not answer", "proxy")
    if isinstance(error, raw.NameResolutionError):
        return unavailable(url, "no such host", "unknown host")
    if isinstance(error, raw.NewConnectionError):
        return _not_connected(error, url)
    if isinstance(error, raw.TimeoutError):
        return unavailable(url, "it does not answer in time", "timeout")
    if isinstance(error, raw.SSLError | ssl.SSLError):
        return _not_secure(error, url)
    if isinstance(error, raw.HTTPError | http.client.HTTPException | OSError):
        return _broken(error, url)
    raise error


def _not_connected(error: raw.NewConnectionError, url: str) -> CapasError:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ConnectionRefusedError):
        return unavailable(url, "connection refused", "refused")
    why = cause.strerror if isinstance(cause, OSError) and cause.strerror else "no connection"
    return unavailable(url, why.lower(), "refused")


def _not_secure(error: Exception, url: str) -> CapasError:
    cause: object = error
    while not isinstance(cause, ssl.SSLError) and isinstance(cause, Exception) and cause.args:
        cause = cause.args[0] if isinstance(cause.args[0], Exception) else cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return unavailable(url, f"its certificate is not trusted: {cause.verify_message}", "tls")
    reason = (cause.reason or "" if isinstance(cause, ssl.SSLError) else "").lower()
    if reason in _PLAIN:
        return unavailable(url, "it does not speak TLS", "protocol")
    return unavailable(url, "TLS failed" + (f": {reason.replace('_', ' ')}" if reason else ""), "tls")


def _broken(error: Exception, url: str) -> CapasError:
    inner = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error
    if isinstance(inner, http.client.RemoteDisconnected):
        return unavailable(url, "it closed the connection", "broken")
    if isinstance(inner, http.client.BadStatusLine | http.client.LineTooLong | http.client.UnknownProtocol):
        return unavailable(url, "its answer is not HTTP", "protocol")
    why = inner.strerror if isinstance(inner, OSError) and inner.strerror else "the connection broke off"
    return unavailable(url, why.lower(), "broken")
