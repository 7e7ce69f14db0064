"""A person in the terminal as an agent: sees what any agent sees, and leaves the same log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from crm_gym import TOOL_NAMES, TOOLS, Tool, UsageError, near_miss
from crm_gym.baselines.reading import unescape
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.records import EpisodeRecord, Run
from crm_gym.play import BACK, SEND, Terminal, value_of
from crm_gym.reference import first_sentence, signature
from crm_gym.render import BOLD, DIM, GREEN, PLAIN, RED, safe
from crm_gym.spaces import NOT_CALLED, OK

JSON = Any
Arguments = dict[str, JSON]

_HELP = f"""\
call>   a tool's name or number, and its arguments are asked for one by one: Enter leaves one out,
        {SEND} sends the call as it stands, {BACK} drops it
        or all at once: contact_search {{"last_name": "Okafor"}}
        help, help TOOL, request; quit stops the run: it can go on later, this episode from its start
Questions are answered with respond; what the CRM must not do is turned down with decline."""


class _Slot(NamedTuple):
    """An argument to be asked for; `parent` is the argument it lies in, "" for none."""

    parent: str
    name: str
    schema: Mapping[str, JSON]


class HumanAgent:
    """Asks a person for every call.

    Quitting (`quit`, the end of the input, Ctrl-C) raises KeyboardInterrupt: a harness then stops, has all finished
    episodes in its log, and goes on from there another day. The episode that was left is played anew.

    Args:
        terminal: Where the person is; standard input and output if not given.
    """

    def __init__(self, terminal: Terminal | None = None) -> None:
        self._terminal = Terminal(sys.stdout.isatty()) if terminal is None else terminal

    def __reduce__(self) -> NoReturn:
        raise UsageError("a person plays one episode at a time, in this terminal: use executor 'serial' and one worker")

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[dict[str, Any], Any]:
        """Show what came of the last call and ask for the next; see `crm_gym.Agent`.

        Raises:
            KeyboardInterrupt: If the person has had enough.
        """
        say = self._terminal.say
        request = safe(unescape(observation["request"]))
        if observation["status"] == NOT_CALLED:
            say(f"{DIM}today {safe(observation['today'])}; type help{PLAIN}\n{BOLD}{request}{PLAIN}")
        else:
            say(_outcome(observation))
        try:
            return self._call(request), state
        except EOFError:
            raise KeyboardInterrupt("the input has ended") from None

    def _call(self, request: str) -> dict[str, Any]:
        """Ask until there is a call to make."""
        while True:
            line = self._terminal.ask("\ncall> ").strip()
            word, _, rest = line.partition(" ")
            if line == "quit":
                raise KeyboardInterrupt("the person has left")
            if word == "help":
                self._help(rest.strip())
            elif line == "request":
                self._terminal.say(request)
            elif line and (tool := self._tool(word)) is not None:
                arguments = self._object(rest) if rest.strip() else self._one_by_one(tool)
                if arguments is not None:
                    return {"tool": tool.name, "arguments": arguments}

    def _tool(self, word: str) -> Tool | None:
        if word.isascii() and word.isdigit() and len(word) < 4 and int(word) < len(TOOL_NAMES):
            word = TOOL_NAMES[int(word)]
        if word not in TOOLS:
            self._terminal.say(f"{safe(repr(word))} is no tool; {near_miss(word, TOOLS)}")
        return TOOLS.get(word)

    def _object(self, text: str) -> Arguments | None:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as fault:
            self._terminal.say(f"That is no JSON object: {safe(str(fault))}.")
            return None
        if type(value) is not dict:
            self._terminal.say('That is no JSON object; write {"argument": value}.')
            return None
        return value

    def _one_by_one(self, tool: Tool) -> Arguments | None:
        """Ask for each argument; None if the call is dropped."""
        arguments: Arguments = {}
        for slot in _slots(tool):
            mark = "" if slot.name in tool.schema["required"] else "?"
            self._terminal.say(f"{DIM}{_about(slot.schema)}{PLAIN}")
            line = self._terminal.ask(f"{slot.parent + '.' if slot.parent else ''}{slot.name}{mark}> ")
            if line == BACK:
                return None
            target = arguments.setdefault(slot.parent, {}) if slot.parent else arguments
            if line == SEND:
                break
            if line:
                target[slot.name] = None if slot.parent and line == "null" else value_of(line, dict(slot.schema))
        return arguments

    def _help(self, word: str) -> None:
        say = self._terminal.say
        if not word:
            say(_HELP)
            for number, tool in enumerate(TOOLS.values()):
                say(f"{number:>3} {tool.name:<26} {DIM}{first_sentence(tool.description)}{PLAIN}")
        elif (known := self._tool(word)) is not None:
            say(f"{BOLD}{known.name}{PLAIN}({signature(known.schema)})\n{known.description}")
            for slot in _slots(known):
                say(f"  {slot.name}: {_about(slot.schema)}")


class TerminalCallback(EpisodeCallback):
    """Tells the person which episode it is and how it came out.

    Args:
        terminal: Where the person is; standard output if not given.
    """

    def __init__(self, terminal: Terminal | None = None) -> None:
        self._terminal = Terminal(sys.stdout.isatty()) if terminal is None else terminal
        self._count = 0

    def on_run_begin(self, run: Run) -> None:
        """Keep in mind how many episodes there are."""
        self._count = run["count"]

    def on_episode_begin(self, job: Job) -> None:
        """Say which one this is."""
        self._terminal.say(f"\n{BOLD}Episode {job.index + 1} of {self._count}{PLAIN}")

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """Say how it came out."""
        steps = len(record["steps"])
        calls = "one call" if steps == 1 else f"{steps} calls"
        if record["outcome"] == "success":
            self._terminal.say(f"{GREEN}Solved{PLAIN} in {calls}.")
        else:
            self._terminal.say(f"{RED}Not solved{PLAIN} in {calls}: {safe(str(record['reason']))}.")


def _slots(tool: Tool) -> Iterator[_Slot]:
    for name, schema in tool.schema["properties"].items():
        if "properties" in schema:
            yield from (_Slot(name, inner, details) for inner, details in schema["properties"].items())
        else:
            yield _Slot("", name, schema)


def _about(schema: Mapping[str, JSON]) -> str:
    words = [str(schema.get("description", ""))]
    if "enum" in schema:
        words.append(", ".join(f"{number} {word}" for number, word in enumerate(schema["enum"], 1)))
    return "; ".join(word for word in words if word)


def _outcome(observation: Mapping[str, Any]) -> str:
    """What a call came to."""
    try:
        value = json.loads(observation["result"])
    except ValueError:  # cut at the limit of the observation
        value = observation["result"]
    if observation["status"] == OK:
        return f"{GREEN}ok{PLAIN} {safe(json.dumps(value, indent=2, ensure_ascii=False))}"
    fault = value if isinstance(value, dict) else {"field": "", "message": str(value)}
    return f"{RED}refused{PLAIN} {observation['error_code']} ({safe(fault['field'])}): {safe(fault['message'])}"
