"""The options of the collector, parsed and checked: from the command line, the environment and a TOML file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cycletrace._internal.address import Address, parse_address, parse_local_address
from cycletrace._internal.collector.limits import Limits
from cycletrace._internal.collector.log import FORMATS
from cycletrace._internal.collector.settings import SETTINGS
from cycletrace._internal.collector.tls import ServerFiles
from cycletrace._internal.flow import CycleTarget, parse_length, parse_target
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.otlp.endpoint import Endpoint, TlsFiles, checked, is_header, parse_headers
from cycletrace._internal.otlp.signals import SIGNALS
from cycletrace._internal.report.sections import Linked, no_link
from cycletrace._internal.rules import Rule, RuleError, load
from cycletrace._internal.store import Location, parse_location

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class OptionError(ValueError):
    """An invalid option. The message is one sentence for people."""


class Options(NamedTuple):
    """The options of :func:`serve.run`. Lengths are seconds."""

    store: Location
    grpc: Address = Address("127.0.0.1", 4317)
    http: Address = Address("127.0.0.1", 4318)
    forward: Mapping[str, tuple[Endpoint, ...]] = {}
    """By name of the signal."""
    metrics_to: tuple[Endpoint, ...] = ()
    interval: float = 10.0
    prometheus: Address | None = None
    board: Address | None = None
    linked: Linked = no_link
    """Returns the URL of a cycle's trace, for the board."""
    grace: float = 60.0
    target: CycleTarget | None = None
    """The default target, to be kept in the store; ``None`` leaves what is kept there, as does ``production``."""
    label_limit: int = 2000
    cycle_limit: int = 100_000
    """Records of one cycle."""
    limits: Limits = Limits()
    production: frozenset[str] | None = None
    tokens: Path | None = None
    """The file with the tokens; ``None``: everybody may do everything."""
    rules: tuple[Rule, ...] = ()
    """For spans of other programs, in the order in which they are asked."""
    tls: ServerFiles | None = None
    """``None``: everything that listens does so without TLS."""
    keep: float | None = None
    """``None``: records stay for ever."""
    log_format: str = "text"
    is_open: bool = False
    """Whether others than programs on this machine need no token."""


def read_config(path: Path) -> dict[str, Any]:
    """Return the settings in a TOML file.

    Raises:
        OptionError: where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            settings: dict[str, Any] = tomllib.load(file)
    except OSError as error:
        raise OptionError(f"The file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"The file {path} is not TOML: {error}.") from None
    return {name.replace("_", "-"): value for name, value in settings.items()}


def make_options(settings: Mapping[str, Any], store: Location, production: frozenset[str] | None = None) -> Options:
    """Return the options for these settings; ``store`` is where the store is if they hold none.

    Raises:
        OptionError: where one is invalid.
    """
    known = {setting.name: setting for setting in SETTINGS}
    for name in settings:
        if name not in known:
            raise OptionError(f"There is no option {name!r}. The options are {', '.join(known)}.")

    def text(name: str) -> str:
        value = settings.get(name, known[name].default)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise OptionError(f"{name}: expected {known[name].takes}.")  # not shown: the value may be a secret
        return str(value)

    def flag(name: str) -> bool:
        value = settings.get(name, False)
        if not isinstance(value, bool):
            raise OptionError(f"{name}: expected true or false.")
        return value

    timeout = _seconds("forward-timeout", text("forward-timeout"), at_least=0.001)
    tls = TlsFiles(**_files({name: text(f"forward-{name}") for name in _FILES}, "forward-"))
    common = Endpoint("", _headers("forward-headers", text("forward-headers")), tls, timeout)
    for_metrics = common._replace(headers=_headers("metrics-headers", text("metrics-headers")))
    options = Options(
        store=parse_location(text("store")) if text("store") else store,
        grpc=_address("grpc", text("grpc")),
        http=_address("http", text("http")),
        forward=_forward(_list(settings.get("forward", [])), common),
        metrics_to=tuple(
            _endpoint("metrics-to", item, for_metrics)[1] for item in _list(settings.get("metrics-to", []))
        ),
        interval=_seconds("interval", text("interval"), at_least=0.1),
        prometheus=_address("prometheus", text("prometheus")) if text("prometheus") else None,
        board=_address("board", text("board"), parse_address if text("tokens") else parse_local_address)
        if text("board")
        else None,
        grace=_seconds("grace", text("grace"), at_least=0.0),
        target=_target(text("target")) if text("target") else None,
        keep=_seconds("keep", text("keep"), at_least=86_400.0) if text("keep") else None,
        log_format=_one_of("log-format", text("log-format"), FORMATS),
        cycle_limit=_whole("cycle-limit", text("cycle-limit"), at_least=1),
        label_limit=_whole("label-limit", text("label-limit"), at_least=2),
        limits=Limits(
            body=_size("max-body", text("max-body")),
            in_flight=max(_size("max-in-flight", text("max-in-flight")), _size("max-body", text("max-body"))),
        ),
        production=production,
        tokens=Path(text("tokens")) if text("tokens") else None,
        rules=_rules(_list(settings.get("rules", []))),
        tls=_server_files({name: text(name) for name in ("tls-cert", "tls-key", "tls-client-ca")}),
    )
    exposed = _exposed(options)
    if exposed is not None and not flag("insecure"):
        raise OptionError(
            f"{exposed}: other machines can reach {getattr(options, exposed)}, and anybody there could write and read "
            "all cycles: choose an address such as 127.0.0.1, list who may with --tokens, ask for certificates with "
            "--tls-client-ca, or allow everybody with --insecure."
        )
    return options._replace(is_open=exposed is not None)


def _exposed(options: Options) -> str | None:
    """Return the name of an address that other machines can reach without showing who they are."""
    if options.tokens is not None or (options.tls is not None and options.tls.client_ca is not None):
        return None
    addresses = {"grpc": options.grpc, "http": options.http, "prometheus": options.prometheus}
    reachable = (name for name, address in addresses.items() if address is not None and not address.is_loopback())
    return next(reachable, None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _forward(items: Iterable[Any], common: Endpoint) -> dict[str, tuple[Endpoint, ...]]:
    forward: dict[str, tuple[Endpoint, ...]] = {signal.name: () for signal in SIGNALS}
    for item in items:
        signals, endpoint = _endpoint("forward", item, common)
        for signal in signals:
            if any(other.url == endpoint.url for other in forward[signal]):
                raise OptionError(f"forward: {signal} would be sent to {endpoint.url} twice: remove one of the two.")
            forward[signal] += (endpoint,)
    return forward


def _endpoint(name: str, item: Any, common: Endpoint) -> tuple[tuple[str, ...], Endpoint]:
    """Return the signals and the endpoint that a text ``[SIGNAL=]URL`` or a table in the file names.

    Errors show neither the text nor the table, because they may hold secrets.
    """
    names = tuple(signal.name for signal in SIGNALS)
    signals, endpoint = names, common
    if isinstance(item, str):
        signal, separator, url = item.partition("=")
        if separator and "/" not in signal:
            if signal not in names:
                raise OptionError(f"{name}: expected one of {', '.join(names)} before the '='.")
            signals = (signal,)
        else:
            url = item
        endpoint = common._replace(url=url)
    elif isinstance(item, dict) and item.keys() <= {"url", "signals", "headers", "timeout", *_FILES}:
        signals = item.get("signals", names)
        if not isinstance(signals, (list, tuple)) or not all(signal in names for signal in signals):
            raise OptionError(f"{name}: signals: expected a list of some of {', '.join(names)}.")
        headers = item.get("headers", common.headers)
        if not isinstance(headers, Mapping):
            raise OptionError(f"{name}: headers: expected a table of names and values.")
        endpoint = common._replace(
            url=str(item.get("url", "")),
            headers=_checked_headers("headers", {str(name): str(value) for name, value in headers.items()}),
            tls=common.tls._replace(**_files({name: str(item[name]) for name in _FILES if name in item})),
            timeout=_seconds("timeout", str(item["timeout"]), at_least=0.001) if "timeout" in item else common.timeout,
        )
    else:
        raise OptionError(
            f"{name}: expected [SIGNAL=]URL, or a table with url, signals, headers, timeout, {', '.join(_FILES)}."
        )
    try:
        return tuple(signals), checked(endpoint)
    except ValueError as error:
        raise OptionError(f"{name}: {error}.") from None


_FILES = tuple(field.replace("_", "-") for field in TlsFiles._fields)


def _files(named: Mapping[str, str], prefix: str = "") -> dict[str, Path | None]:
    """Return the paths of existing files by field of :class:`TlsFiles`; ``None`` if a text is empty."""
    for name, text in named.items():
        if text and not Path(text).is_file():
            raise OptionError(f"{prefix}{name}: there is no file {text}: expected the path of a PEM file.")
    return {name.replace("-", "_"): Path(text) if text else None for name, text in named.items()}


def _server_files(named: Mapping[str, str]) -> ServerFiles | None:
    certificate, key, client_ca = _files(named).values()
    if certificate is None:
        if key is not None or client_ca is not None:
            raise OptionError("tls-key and tls-client-ca need tls-cert, the certificate of this collector.")
        return None
    return ServerFiles(certificate, key, client_ca)


def _rules(names: Iterable[Any]) -> tuple[Rule, ...]:
    try:
        return tuple(rule for name in names for rule in load(str(name)))
    except RuleError as error:
        raise OptionError(str(error)) from None


def _headers(name: str, text: str) -> dict[str, str]:
    """Parse headers in the format of OpenTelemetry's environment variables."""
    headers, is_valid = parse_headers(text)
    if not is_valid:
        raise _invalid_headers(name)
    return headers


def _checked_headers(name: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers if they are valid for HTTP and gRPC."""
    if not all(is_header(header, value) for header, value in headers.items()):
        raise _invalid_headers(name)
    return dict(headers)


def _invalid_headers(name: str) -> OptionError:
    """Return the error for invalid headers, which does not show them: they may be secrets."""
    return OptionError(f"{name}: expected name=value in ASCII, percent-encoded, separated by commas.")


def _address(name: str, text: str, parse: Callable[[str], Address] = parse_address) -> Address:
    try:
        return parse(text)
    except ValueError as error:
        raise OptionError(f"{name} is {error}.") from None


def _seconds(name: str, text: str, at_least: float) -> float:
    try:
        seconds = float(text) if not text[-1:].isalpha() else float(text[:-1]) and parse_length(text) / SECOND
    except ValueError:
        seconds = -1.0
    if not at_least <= seconds < 1e9:
        raise OptionError(f"{name} is {text!r}: expected a length such as 10s or 5m, of at least {at_least:g} s.")
    return seconds


def _size(name: str, text: str) -> int:
    for unit, factor in {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "": 1}.items():
        if text.endswith(unit):
            number = text.removesuffix(unit).strip()
            if number.isdecimal() and 1024 <= int(number) * factor < 1 << 31:
                return int(number) * factor
            break
    raise OptionError(f"{name} is {text!r}: expected a size between 1KiB and 2GiB, such as 16MiB.")


def _whole(name: str, text: str, at_least: int) -> int:
    if not text.isdecimal() or int(text) < at_least:
        raise OptionError(f"{name} is {text!r}: expected a whole number of at least {at_least}.")
    return int(text)


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise OptionError(f"{name} is {text!r}: expected {' or '.join(allowed)}.")
    return text


def _target(text: str) -> CycleTarget:
    try:
        return parse_target(text)
    except ValueError as error:
        raise OptionError(f"target: {error}") from None
