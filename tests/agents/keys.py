"""Agents that use a key and never see it: `tests/agents/run --keys`.

The model of an agent speaks TLS here, under the real name of its host, with a certificate that this machine trusts for the time of
the test. The spec allows that host by name and gives the agent's own key as a secret. The model must see the key, and no program inside
may: a command of the agent writes down every variable that it can read, and the harness looks for the value in that, in what the
agent printed and in what it sent.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import checks
from .catalogue import AGENTS, Agent, write, write_json
from .isolation import a_neighbour, leave_the_files
from .model.server import Tls
from .session import SEEN, Session, Stage, play

# Of the model and of this machine: a broker carries nothing to addresses of its machine, or of local networks.
ADDRESS, OWN_ADDRESS = "11.0.0.2", "11.0.0.1"
HOSTS = Path("/etc/hosts")
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Keyed:
    """An agent with its own key."""

    name: str
    variable: str
    host: str
    # How a key begins: the agent looks at that, and so does the placeholder.
    prefix: str
    # What its spec says besides.
    spec: str

    @property
    def agent(self) -> Agent:
        return next(agent for agent in AGENTS if agent.name == self.name)


KEYED = (
    Keyed("claude-code", "ANTHROPIC_API_KEY", "api.anthropic.com", "sk-ant-api03-", "makeJailedClaudeCode"),
    Keyed("codex", "OPENAI_API_KEY", "api.openai.com", "sk-proj-", "makeJailedCodex"),
    Keyed("gemini-cli", "GEMINI_API_KEY", "generativelanguage.googleapis.com", "AIza", "makeJailedGeminiCli"),
    Keyed("opencode", "OPENAI_API_KEY", "api.openai.com", "sk-proj-", "makeJailedOpencode"),
)


def spec(keyed: Keyed) -> str:
    return f'{keyed.spec} {{ allowedHosts = "default"; secrets = "default"; }}'


def configure(keyed: Keyed, home: Path) -> None:
    """What the agent's configuration says, without a key and without another address than its own."""
    url = f"https://{keyed.host}"
    keyed.agent.configure(home, url)
    if keyed.name == "claude-code":
        settings = json.loads((home / ".claude/settings.json").read_text())
        settings["env"].pop("ANTHROPIC_AUTH_TOKEN")
        settings["env"].pop("ANTHROPIC_BASE_URL")
        write_json(home / ".claude/settings.json", settings)
    elif keyed.name == "codex":
        text = (home / ".codex/config.toml").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("experimental_bearer_token")]
        write(home / ".codex/config.toml", "\n".join([*lines, f'env_key = "{keyed.variable}"', ""]))
    elif keyed.name == "gemini-cli":
        (home / ".gemini/.env").unlink()
    elif keyed.name == "opencode":
        config = json.loads((home / ".config/opencode/opencode.json").read_text())
        config["provider"]["fake"]["options"]["apiKey"] = f"{{env:{keyed.variable}}}"
        write_json(home / ".config/opencode/opencode.json", config)


@contextmanager
def machine(hosts: set[str]) -> Iterator[dict[str, Tls]]:
    """Makes this machine one on which the hosts are a neighbour's address, and an authority of ours is trusted. For root."""
    leave_the_files()
    with a_neighbour(ADDRESS, OWN_ADDRESS) as network, tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        folder.chmod(0o755)
        for host in [None, *sorted(hosts)]:
            make_certificate(folder, host)
        names = folder / "hosts"
        names.write_text("127.0.0.1 localhost\n" + "".join(f"{ADDRESS} {host}\n" for host in sorted(hosts)))
        for source, target in ((names, HOSTS), (folder / "authority.pem", AUTHORITIES)):
            source.chmod(0o644)
            subprocess.run(["mount", "--bind", source, target], check=True)
        yield {host: Tls(network, ADDRESS, host, folder / f"{host}.pem", folder / f"{host}.key") for host in hosts}


def make_certificate(folder: Path, host: str | None) -> None:
    """A certificate for a host, or without one the authority's own."""
    name = host or "authority"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
    if host is not None:
        command += ["-CA", folder / "authority.pem", "-CAkey", folder / "authority.key"]
        command += ["-addext", f"subjectAltName=DNS:{host}", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def judge(keyed: Keyed, wrapper: Path, at: Stage, tls: Tls) -> tuple[list[str], Session]:
    """What is not as it must be; nothing, if all is well."""
    value = keyed.prefix + secrets.token_hex(24)
    agent = keyed.agent
    session = play(
        agent,
        at,
        [str(wrapper)],
        {keyed.variable: value},
        tls=tls,
        configure=lambda home, _url: configure(keyed, home),
    )
    faults = checks.faults_in_jail(agent, session)
    for turn in session.turns:
        if not any(value in field for field in turn.credentials):
            faults.append(f"{turn.name} run: the model did not see the key")
        if any(value not in field for field in turn.credentials):
            faults.append(f"{turn.name} run: the model saw another credential")
        seen = at.project / SEEN.format(turn=turn.name)
        variables = seen.read_text(errors="replace") if seen.exists() else ""
        if f"{keyed.variable}={keyed.prefix}" not in variables:
            faults.append(f"{turn.name} run: there was no placeholder in `{keyed.variable}`")
        if any(value in text for text in [variables, turn.stdout, turn.stderr, *turn.sent]):
            faults.append(f"{turn.name} run: THE KEY WAS SEEN INSIDE")
    if value not in session.control_variables:
        faults.append("outside the jail the same command did not find the key")
    return faults, session
