"""A person plays a task in the terminal: the same environment, actions and observations as an agent has."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium as gym

from crm_gym import render
from crm_gym.env import CrmEnv
from crm_gym.errors import near_miss
from crm_gym.reference import first_sentence, signature
from crm_gym.render import BOLD, DIM, GREEN, PLAIN, RED, safe
from crm_gym.spaces import OK
from crm_gym.strict_json import NotStrict, encode, parse
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOL_NAMES, TOOLS, Tool

JSON = Any
Action = dict[str, Any]

SEND, BACK = ".", "!"
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_HELP = f"""\
At the prompt `call>` type
  a tool's name or number           its arguments are then asked for one by one
  a tool and a JSON object          all arguments at once: 13 {{"last_name": "Okafor"}}
  help, help TOOL                   this text; a tool's arguments
  request                           the request again
  quit                              leave; so do Ctrl-D and Ctrl-C
While arguments are asked for
  Enter                             leaves an optional one out
  {{...}} at the first one            is a JSON object with all arguments
  null                              among updates: empties an optional field
  {SEND}                                 sends the call as it stands
  {BACK}                                 drops the call
Read tasks are answered with respond; what the CRM must not do is turned down with decline.
"""


class Slot(NamedTuple):
    """One value to be asked for.

    Attributes:
        parent: The argument it lies in, such as updates; "" for an argument of its own.
        name: Its name.
        schema: JSON Schema of the value.
        required: Whether it must be given.
    """

    parent: str
    name: str
    schema: dict[str, JSON]
    required: bool


class Terminal:
    """Where the game is shown and read: standard output and input.

    Args:
        colour: Whether to keep ANSI colours.
    """

    def __init__(self, colour: bool) -> None:
        self._colour = colour
        self._echo = not sys.stdin.isatty()  # a transcript of piped input then reads like a session

    def say(self, text: str = "") -> None:
        """Print a text that is safe already."""
        print(text if self._colour else _ESCAPE.sub("", text))

    def ask(self, prompt: str) -> str:
        """The next line, as it is typed.

        Raises:
            EOFError: When there is no more.
        """
        line = input(prompt)
        if self._echo:
            print(safe(line))
        return line


def play(task: Task | None, seed: int | None, *, colour: bool) -> int:
    """Play one episode and return the exit code; with no task, a golden one is drawn."""
    terminal = Terminal(colour)
    env: gym.Env[Any, Any] = gym.make("CrmEnv-v0")
    try:
        env.reset(seed=seed, options={"task": task} if task else None)
        _episode(terminal, env)
    except EOFError:
        terminal.say("\nEnd of input; nothing is kept.")
    finally:
        env.close()
    return 0


def _episode(terminal: Terminal, env: gym.Env[Any, Any]) -> None:
    game = env.unwrapped
    assert isinstance(game, CrmEnv)
    limit = env.spec.max_episode_steps if env.spec else None
    task = game.task
    terminal.say(f"{BOLD}{safe(task.id)}{PLAIN}  {DIM}today {task.today}; at most {limit} calls; type help{PLAIN}")
    terminal.say(safe(task.request))
    over, steps = False, 0
    while not over:
        action = _action(terminal, safe(task.request))
        if action is None:
            terminal.say("Left; nothing is kept.")
            return
        observation, _, terminated, truncated, _ = env.step(action)
        over, steps = terminated or truncated, steps + 1
        terminal.say(_outcome(observation))
        terminal.say("\n".join(render.changes(game.crm.journal)))
        terminal.say(render.verdict_line(game.verdict, over=over))
    if game.verdict.success:
        terminal.say(f"{GREEN}Solved{PLAIN} in {steps} calls." if steps > 1 else f"{GREEN}Solved{PLAIN} in one call.")
    else:
        terminal.say(f"{RED}Not solved{PLAIN}; crm-gym describe {safe(task.id)} shows a way.")


def _outcome(observation: dict[str, Any]) -> str:
    """What a call came to, as the observation says it."""
    try:
        value = parse(observation["result"])
    except NotStrict:  # cut at the limit of the observation
        value = None
    if observation["status"] == OK:
        text = observation["result"] if value is None else json.dumps(value, indent=2, ensure_ascii=False)
        return f"{GREEN}ok{PLAIN} {safe(text)}"
    field, message = (value["field"], value["message"]) if value else ("", observation["result"])
    return f"{RED}refused{PLAIN} {observation['error_code']} ({safe(field)}): {safe(message)}"


# Putting a call together


def _action(terminal: Terminal, request: str) -> Action | None:
    """Ask until there is a call to make; None when the person leaves."""
    while True:
        line = terminal.ask("\ncall> ").strip()
        word, _, rest = line.partition(" ")
        if line == "quit":
            return None
        if line == "help":
            terminal.say(_help())
        elif line == "request":
            terminal.say(request)
        elif word == "help":
            _explain(terminal, rest.strip())
        elif line:
            action = _call(terminal, word, rest.strip())
            if action is not None:
                return action


def _call(terminal: Terminal, word: str, rest: str) -> Action | None:
    tool = _tool(terminal, word)
    if tool is None:
        return None
    arguments = _object(terminal, rest) if rest else _fill(terminal, tool)
    return None if arguments is None else {"tool": TOOL_NAMES.index(tool.name), "arguments": encode(arguments)}


def _tool(terminal: Terminal, word: str) -> Tool | None:
    if word.isascii() and word.isdigit() and len(word) < 4 and int(word) < len(TOOLS):
        return TOOLS[TOOL_NAMES[int(word)]]
    if word not in TOOLS:
        terminal.say(f"{safe(repr(word))} is no tool; {near_miss(word, TOOLS)}")
    return TOOLS.get(word)


def _object(terminal: Terminal, text: str) -> dict[str, JSON] | None:
    """The arguments written as one JSON object; None, with a word about it, if they are not."""
    try:
        value = parse(text)
    except NotStrict as fault:
        terminal.say(f"That is no JSON object: {safe(str(fault))}.")
        return None
    if type(value) is not dict:
        terminal.say('That is no JSON object; write {"argument": value}.')
        return None
    return value


def _slots(tool: Tool) -> Iterator[Slot]:
    required = tool.schema["required"]
    for name, schema in tool.schema["properties"].items():
        if "properties" in schema:
            yield from (Slot(name, inner, details, False) for inner, details in schema["properties"].items())
        else:
            yield Slot("", name, schema, name in required)


def _fill(terminal: Terminal, tool: Tool) -> dict[str, JSON] | None:
    """Ask for each argument in turn; None if the call is dropped."""
    arguments: dict[str, JSON] = {}
    terminal.say(f"{BOLD}{tool.name}{PLAIN} {DIM}{tool.description}{PLAIN}")
    for place, slot in enumerate(_slots(tool)):
        line = _ask(terminal, slot)
        if line == BACK:
            terminal.say("Dropped.")
            return None
        if place == 0 and line.lstrip().startswith("{") and "type" in slot.schema:
            return _object(terminal, line)
        target = arguments.setdefault(slot.parent, {}) if slot.parent else arguments
        if line == SEND:
            break
        if line:
            target[slot.name] = None if slot.parent and line == "null" else value_of(line, slot.schema)
    return arguments


def _ask(terminal: Terminal, slot: Slot) -> str:
    """One line for a value; "" leaves it out."""
    terminal.say(f"{DIM}{_about(slot.schema)}{PLAIN}")
    name = f"{slot.parent}.{slot.name}" if slot.parent else slot.name
    while True:
        line = terminal.ask(f"{name}> " if slot.required else f"{name}?> ")
        if line or not slot.required:
            return line
        terminal.say(f"It is required: type a value, or {SEND} to send the call without it.")


def _about(schema: dict[str, JSON]) -> str:
    words = [schema.get("description", "")]
    if "enum" in schema:
        words.append(", ".join(f"{number} {word}" for number, word in enumerate(schema["enum"], 1)))
    if schema.get("type") == "array":
        words.append("separated by commas")
    if "type" not in schema:
        words.append("JSON, or else taken as a text")
    return "; ".join(word for word in words if word)


def value_of(line: str, schema: dict[str, JSON]) -> JSON:
    """A typed line as the JSON value its schema asks for; what does not fit goes on as text, for the CRM to refuse.

    Args:
        line: What was typed; white space around a text is kept.
        schema: JSON Schema of the argument.
    """
    kind = schema.get("type")
    if kind == "array":
        whole = _json(line)
        return whole if isinstance(whole, list) else [item.strip() for item in line.split(",")]
    if "enum" in schema:
        return _choice(line, schema["enum"])
    if kind == "string":
        return line
    value = _json(line)
    if kind is None:
        return line if value is None else value
    return value if type(value) in (int, float) else line


def _json(line: str) -> JSON:
    try:
        return parse(line)
    except NotStrict:
        return None


def _choice(line: str, words: list[str]) -> str:
    number = line.strip()
    if number.isascii() and number.isdigit() and len(number) < 4 and 1 <= int(number) <= len(words):
        return words[int(number) - 1]
    return line


# Help


def _help() -> str:
    lines = [
        f"{number:>3} {tool.name:<26} {DIM}{first_sentence(tool.description)}{PLAIN}"
        for number, tool in enumerate(TOOLS.values())
    ]
    return "\n".join([_HELP, *lines])


def _explain(terminal: Terminal, word: str) -> None:
    tool = _tool(terminal, word)
    if tool is not None:
        terminal.say(f"{BOLD}{tool.name}{PLAIN}({signature(tool.schema)})\n{tool.description}")
        for name, schema in tool.schema["properties"].items():
            terminal.say(f"  {name}: {_about(schema)}")
