"""Long dialogues about one record: a user who names the wrong one, changes their mind, or has one deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm_gym.schema import TABLE_OF, Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.dialogues_which import Several, several
from crm_gym.tasks.families.steps import (
    Step,
    gone,
    is_open,
    modify,
    plain,
    stands,
    stands_new,
    told_in_steps,
    value_for,
)
from crm_gym.tasks.families.users import ask, called, point, say, tell, word
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_LIKE = {  # what people take one record for another of, and the fields they then change
    "Opportunity": ("client_id", ("amount", "stage", "probability", "owner")),
    "Client": ("owner", ("status", "industry", "phone", "owner")),
    "Contact": ("client_id", ("title", "phone")),
}


def _lookalikes(scene: Scene, table: str, count: int) -> list[Row]:
    """Records that may be taken for one another: of one client, or of one owner; free to be changed.

    Raises:
        Unsuitable: If there are fewer than two.
    """

    def usable(row: Row) -> bool:
        return scene.is_named(table, row) and (table != "Opportunity" or is_open(row))

    row = scene.pick(
        table, lambda each: usable(each) and each.owner is not None if table != "Contact" else usable(each)
    )
    if table == "Client":
        near = scene.template.clients_of_owner[row.owner]
    else:
        near = scene.children(table, "client_id", row.client_id)
        if table == "Opportunity" and len(near) <= count:
            near = scene.template.deals_of_owner[row.owner]
    others = [each for each in near[:40] if each[0] != row[0] and usable(each)]
    if not others:
        raise Unsuitable
    return [row, *_some_rows(scene, others, count - 1)]


def _some_rows(scene: Scene, rows: Sequence[Row], count: int) -> list[Row]:
    """So many of the rows, in any order; all if there are fewer."""
    return scene.rng.sample(rows, min(count, len(rows)))


_CORRECTIONS = (
    "No, another one: the {right}. Make the change there, and put the {wrong} back as it was.",
    "[Sorry, my mistake|Oh dear, my fault]: I meant the {right}. Do the same there, and undo it on the {wrong}.",
    "Hm, no, it is about the {right}. The {wrong} must be as it was before.",
    "Wrong one, I see now: restore the {wrong} and make that change on the {right} instead.",
    "I mixed them up. It should have been the {right}, so take the change on the {wrong} back.",
    "Wait, that is not the one. Leave the {wrong} as it was in the beginning; the {right} gets the change.",
    "Not that one after all. The {wrong} goes back to what it was, and the {right} takes its place.",
    "I gave you the wrong name. What you did to the {wrong} belongs on the {right}; reverse it on the former.",
)


@family(
    "dialogue",
    (
        "[Please |]set {change} on the {what}. Tell me when that is done: I am not quite sure it is the right one.",
        "For the {what}, set {change}. Then ask me what is next, I want to check in the CRM that I named the right"
        " one.",
        "The {what} needs a change: set {change}. Come back to me afterwards, I may have mixed it up with another.",
        "Set {change} for the {what}, and let me look at it before you call it done: ask me for the next step.",
        "On the {what}, [please |]set {change}. Report back then. If I got the wrong one, I will say so.",
        "[Could you|Can you] set {change} on the {what}? When you have, ask me what comes next; I might correct"
        " myself.",
        "Take the {what} and set {change}. Let me know when you have, there may be a correction.",
        "There is a change for the {what}: set {change}. I will look at it when you tell me, and it may be another I"
        " mean.",
    ),
)
def correct_record(scene: Scene) -> Draft:
    """The user names the wrong record, sees it in the CRM and says which one it should have been."""
    table = scene.one(tuple(_LIKE))
    rows = _lookalikes(scene, table, 1 + scene.count(1, 4))
    name = scene.one([each for each in _LIKE[table][1] if all(getattr(row, each) is not None for row in rows)] or [""])
    if not name:
        raise Unsuitable
    taken = [plain(getattr(row, name)) for row in rows]
    value = scene.fresh(lambda: value_for(scene, table, name), taken.__contains__)
    change = {name: value}
    steps = []
    for at, row in enumerate(rows):
        step = Step(path=[scene.look_up(row), modify(row, change)], until=[stands(row, **change)])
        if at:
            last = rows[at - 1]
            step.says = say(scene, _CORRECTIONS, right=called(row), wrong=called(last))
            step.path.insert(0, modify(last, {name: plain(getattr(last, name))}))
            step.wrong = rows[:at]
        steps.append(step)
    steps[-1].calls, steps[-1].achieve = [modify(rows[-1], change)], [Achieve(table, rows[-1][0], change)]
    return told_in_steps(scene, scene.say(change=scene.updates(change), what=called(rows[0])), steps)


_ANOTHER_VALUE = (
    "On second thoughts, set {change} instead.",
    "[Hm, I|I] have changed my mind: set {change}.",
    "They have just called. Set {change}, please.",
    "Make that different once more: set {change}.",
    "Not quite what we want any more. Set {change}.",
    "I have new information, so set {change}.",
    "[Sorry, one|One] more turn: set {change}.",
    "After some thought, I prefer this: set {change}.",
)
_ANOTHER_FIELD = (
    "On second thoughts, put the {field} back to what it was, and set {change} instead.",
    "I have changed my mind: the {field} stays as it was before all this. Set {change} instead.",
    "No, restore the {field} to what it was at first. What should change is this: set {change}.",
    "Forget about the {field}, it goes back to the old one. Rather set {change}.",
    "Let us leave the {field} as it was to begin with; set {change} instead.",
    "Undo that. The {field} as before, please, and set {change}.",
    "Take back what you did to the {field}. Instead, set {change}.",
    "Better not touch the {field}: as it was originally, please. But set {change}.",
)


@family(
    "dialogue",
    (
        "[Please |]set {change} on the {what}. Ask me for the next step when that is done, it is not final.",
        "For the time being, set {change} on the {what}. Come back to me then; I am still thinking about it.",
        "The {what}: set {change}. Let me know when it is in, I may change my mind.",
        "Set {change} for the {what} and check with me afterwards whether it stays like that.",
        "On the {what}, set {change} for now. Then ask me what is next, the client has not decided yet.",
        "[Could you|Can you] set {change} on the {what}, and then ask me if we leave it at that?",
        "Start with this on the {what}: set {change}. When it is done, ask me again, there is more to decide.",
        "Let us try this on the {what}: set {change}. Ask me about it afterwards, I am undecided.",
    ),
)
def change_of_mind(scene: Scene) -> Draft:
    """The user sees the change in the CRM and wants something else, perhaps more than once."""
    table = scene.one(("Opportunity", "Opportunity", "Client", "Contact"))
    row = scene.named(table, is_open if table == "Opportunity" else None)
    fields = [name for name in _LIKE[table][1] if getattr(row, name) is not None]
    if not fields:
        raise Unsuitable
    name, seen = scene.one(fields), list[dict[str, Any]]()
    steps: list[Step] = []
    for at in range(1 + scene.count(1, 5)):
        before, says = name, ""
        if at and len(fields) > 1 and scene.chance(0.35):
            name = scene.one(fields, name)
        change = _unseen(scene, row, name, seen)
        seen.append(change)
        back = {before: plain(getattr(row, before))} if before != name else {}
        if at and back:
            says = say(scene, _ANOTHER_FIELD, field=word(before), change=scene.updates(change))
        elif at:
            says = say(scene, _ANOTHER_VALUE, change=scene.updates(change))
        steps.append(Step(says=says, path=[modify(row, back | change)], until=[stands(row, **change)]))
    steps[-1].calls, steps[-1].achieve = [modify(row, seen[-1])], [Achieve(table, row[0], seen[-1])]
    request = scene.say(change=scene.updates(seen[0]), what=called(row))
    return told_in_steps(scene, request, steps, opening=[scene.look_up(row)])


def _unseen(scene: Scene, row: Row, name: str, seen: list[dict[str, Any]]) -> dict[str, Any]:
    """A change of that field which has not been made before: no mind is changed back, or the task would be done."""
    return dict(scene.fresh(lambda: {name: value_for(scene, TABLE_OF[type(row)], name, row)}, seen.__contains__))


_THEN_NOTE = (
    "Good. Now put a note on the {home} that says {content:quoted}.",
    "Thank you. Please leave this note with the {home}: {content:quoted}.",
    "Then a note on the {home}, in these words: {content:quoted}.",
    "Now note on the {home}: {content:quoted}.",
)
_THEN_ASK = (
    "Good. Now a note on the {home}: ask me for the text.",
    "Thank you. The {home} gets a note too; I will give you the text when you ask.",
    "Then a note on the {home}, please. Ask for the content.",
    "Now the {home} needs a note, the text of which you get by asking.",
)


def _deletion(scene: Scene, choice: Several) -> Step:
    row, table = choice.row, TABLE_OF[type(choice.row)]
    call = ToolCall("delete_quote" if table == "Quote" else "delete_opportunity", {f"{table.lower()}_id": row[0]})
    return Step(
        path=[*choice.lookups, ask("which_record"), call],
        calls=[call],
        achieve=[Achieve(table, row[0])],
        until=[gone(row)],
        told={"which_record": point(scene, *choice.by)},
        wrong=choice.others,
        selections=[choice.query],
    )


def _noting(scene: Scene, home: Row) -> Step:
    note = {"entity_type": TABLE_OF[type(home)], "entity_id": home[0], "content": vocab.note(scene.rng, scene.pool)}
    call, content = ToolCall("add_note", note), str(note["content"])
    asked = scene.chance(0.5)
    return Step(
        says=say(scene, _THEN_ASK, home=called(home))
        if asked
        else say(scene, _THEN_NOTE, home=called(home), content=content),
        path=[*([ask("content")] if asked else []), call],
        calls=[call],
        achieve=[Achieve("Note", None, note)],
        until=[stands_new("Note", note)],
        told={"content": tell(scene, "content", content)} if asked else {},
    )


@family(
    "dialogue",
    (
        "A {noun} of the {home} has to be deleted. Do not delete anything before you have asked me which.[ Report back"
        " when it is gone, there may be more.| Tell me when it is done and ask what comes next.]",
        "[Please |]delete one of the {noun}s of the {home}. Which one: ask me first, it cannot be undone. Afterwards"
        " ask"
        " me whether there is more to do.",
        "The {home} has a {noun} too many. Ask me which one to delete, delete it, and come back for the next step.",
        "Get rid of a {noun} of the {home}; which one I will say if you ask, and nothing else may go. Then ask what is"
        " next.",
        "One {noun} of the {home} must go for good. Check with me which it is before you delete it. Ask again when"
        " that is done, in case there is more.",
        "I want a {noun} of the {home} deleted, and only that one. Ask which, and tell me once it has gone.",
        "Of the {noun}s of the {home}, one is obsolete: ask me which and delete it. When it is gone, ask for the next"
        " step.",
        "Remove a {noun} of the {home} from the CRM after you have asked me which one. Once that is through, ask me"
        " what else there is.",
    ),
    held_out=True,
)
def delete_after_asking(scene: Scene) -> Draft:
    """One of several records is to be deleted: the user tells which when asked, and may then have more."""
    choice = several(scene, "deal", "quote", "quote")
    if choice.noun == "deal" and scene.children("Contract", "opportunity_id", choice.row[0]):
        raise Unsuitable
    steps = [_deletion(scene, choice)]
    if scene.chance(0.7):
        steps.append(_noting(scene, choice.home))
    return told_in_steps(scene, scene.say(noun=choice.noun, home=called(choice.home)), steps)
