"""What must be true of a session in a jail, and what is worth knowing of one outside."""

from __future__ import annotations

from pathlib import PurePosixPath

from .catalogue import Agent
from .session import Session, Stage, Turn, prompt


def faults_in_jail(agent: Agent, session: Session) -> list[str]:
    """Everything that is not as it must be; nothing, if all is well."""
    faults = [] if control_reads_the_secret(session) else ["outside the jail the command did not read the secret"]
    for turn in session.turns:
        faults += [f"{turn.name} run: {fault}" for fault in faults_of_turn(turn, session.stage)]
    if not remembers(session):
        faults.append("second run: it did not find the conversation of the first")
    faults += [f"second run: it was printed: {line}" for line in noise(session)]
    faults += [f"`~/{entry}` is no state of the preset" for entry in sorted(foreign(agent, session))]
    faults += [f"`~/{state}` was not made" for state in agent.state if not has(session, state)]
    return faults


def control_reads_the_secret(session: Session) -> bool:
    return session.stage.secret in session.control


def faults_of_turn(turn: Turn, stage: Stage) -> list[str]:
    faults = []
    if turn.status is None:
        faults.append("it did not end in time")
    elif turn.status != 0:
        faults.append(f"it ended with status {turn.status}")
    if not turn.heard:
        faults.append(f"the result of the command did not come back ({silence(turn)})")
    elif not any("the-chores-gave 0" in heard for heard in turn.heard):
        faults.append(f"the chores were not done: {turn.heard}")
    elif not any("the-secret-gave 1" in heard for heard in turn.heard):
        faults.append(f"the command was not run to its end: {turn.heard}")
    if turn.proof is None:
        faults.append("the command's file is not in the project folder")
    elif turn.proof != stage.proof:
        faults.append(f"the command's file has other content: {turn.proof!r}")
    elif turn.proof_owner != stage.user.uid:
        faults.append(f"the command's file belongs to {turn.proof_owner} and not to {stage.user.uid}")
    if any(stage.secret in text for text in [turn.stdout, turn.stderr, *turn.sent]):
        faults.append("THE SECRET CAME OUT")
    return faults


def silence(turn: Turn) -> str:
    if not turn.sent:
        return "it asked the model nothing"
    if turn.shell_not_found:
        return f"it offered no shell among {turn.shell_not_found[0]}"
    return f"it sent {len(turn.sent)} requests"


def remembers(session: Session) -> bool:
    """Whether the second run sends what was asked in the first, which it can know only from its state."""
    return any(prompt("first") in body for turn in session.turns[1:] for body in turn.sent)


def noise(session: Session) -> list[str]:
    """What a session like the one before it prints of the agent's own state: nothing changed that anybody would want to know."""
    lines = [line for turn in session.turns[1:] for line in turn.stderr.splitlines()]
    return [line for line in lines if line.startswith("jail-stub: ") and "~/" in line]


def foreign(agent: Agent, session: Session) -> set[str]:
    """What a session has left in the home folder outside of the state folders."""
    return {entry for entry in session.found - session.planted if not belongs(agent, entry)}


# Where jailgen keeps its own records on the host (what it has reported, sessions, which folders jails wrote), and the
# caches that a preset keeps.
OF_JAILGEN = (".local/state/jailgen", ".cache/jailgen")


def belongs(agent: Agent, entry: str) -> bool:
    """Whether an entry is state, is in a state folder, or is a folder on the way to one."""
    path = PurePosixPath(entry)
    states = [PurePosixPath(state) for state in (*agent.state, *OF_JAILGEN)]
    return any(path == state or state in path.parents or path in state.parents for state in states)


def has(session: Session, entry: str) -> bool:
    return entry in session.found


def works_outside(session: Session) -> bool:
    """Whether the agent itself can be judged: outside any jail it follows its instructions, including the secret."""
    return remembers(session) and all(
        turn.status == 0 and any(session.stage.secret in heard for heard in turn.heard) for turn in session.turns
    )


# Folders that all programs share: that one is there says nothing.
SHARED_FOLDERS = {".cache", ".config", ".local", ".local/share", ".local/state"}


def outermost(entries: set[str]) -> list[str]:
    """Leaves out what lies in a folder that is itself in the list."""
    telling = entries - SHARED_FOLDERS
    return sorted(
        entry for entry in telling if not any(str(parent) in telling for parent in PurePosixPath(entry).parents)
    )
