"""Compositions: small jobs put together into one request."""

from __future__ import annotations

from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.joining import chained, independent, together
from crm_gym.tasks.families.parts import Part, clause
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene


@family(
    "composition",
    (
        "First {first}, then {second}.",
        "[Please {first}|Kindly {first}]. [Also, {second}|After that, {second}|And then {second}].",
        "Two things to do: {first}; and {second}.",
        "There are two jobs here: to begin with, {first}; when that is done, {second}.",
        "Could you {first}? [And|Then] {second}, please.",
        "Both of these, please: a) {first}; b) {second}.",
        "I need you to {first}, and [also|besides that] to {second}.",
        "Before anything else, {first}. What remains is to {second}.",
        "To do:\n- {first}\n- {second}",
        "1st, {first}. 2nd, {second}.",
        "[Go ahead and|Kindly] {first}. Next, {second}.",
        "Start like this: {first}. Finish like this: {second}.",
    ),
)
def two_jobs(scene: Scene) -> Draft:
    """Two small jobs that do not need one another."""
    parts = independent(scene, 2)
    return together(scene.say(first=parts[0].clause, second=parts[1].clause), parts)


@family(
    "composition",
    (
        "First {first}, then {second}, and finally {third}.",
        "[Please {first}|Kindly {first}]. [Also, {second}|Next, {second}]. [Lastly, {third}|And then {third}].",
        "Three things to do: {first}; {second}; and {third}.",
        "This comes in three parts. To begin with, {first}. Going on, {second}. To end with, {third}.",
        "Could you {first}? Then {second}, please. After that, {third}.",
        "All of these, please: a) {first}; b) {second}; c) {third}.",
        "I need you to {first}, to {second}, and to {third}.",
        "What I would like to see done by tonight: {first} / {second} / {third}",
        "To do:\n- {first}\n- {second}\n- {third}",
        "1st, {first}. 2nd, {second}. 3rd, {third}.",
        "[Go ahead and|Kindly] {first}; with that done, {second}; and as a last step, {third}.",
        "My list for you is short. At the top of it, {first}. Below that, {second}. At the bottom, {third}.",
    ),
)
def three_jobs(scene: Scene) -> Draft:
    """Three small jobs that do not need one another."""
    parts = independent(scene, 3)
    return together(scene.say(first=parts[0].clause, second=parts[1].clause, third=parts[2].clause), parts)


@family(
    "composition",
    (
        "[Please|Kindly] {jobs}.",
        "Here is what I need: {jobs}.",
        "In this order: {jobs}.",
        "A short chain of steps, each building on what went before: {jobs}.",
        "Could you do the following for me? Please {jobs}.",
        "To be done step by step: {jobs}.",
        "[I want you to|I'd like you to] {jobs}.",
        "Nothing complicated, but the order matters. So: {jobs}.",
    ),
)
def chained_jobs(scene: Scene) -> Draft:
    """A job that makes a record, and others that go on with it."""
    parts = chained(scene, scene.count(2, 5))
    return together(scene.say(jobs=_in_order(scene, parts)), parts)


def _in_order(scene: Scene, parts: list[Part]) -> str:
    """Orders one after another: each but the first is done when the one before it is."""
    jobs = parts[0].clause
    for part in parts[1:]:
        forms = ("{jobs}, then {next}", "{jobs}; after that, {next}", "{jobs}, and then {next}", "{jobs}; next, {next}")
        jobs = clause(scene, forms, jobs=jobs, next=part.clause)
    return jobs


@family(
    "composition",
    (
        "Here is my list: {jobs}.",
        "Please work through all of this: {jobs}.",
        "A few things at once: {jobs}.",
        "Everything below is to be done, from top to bottom: {jobs}.",
        "To do today: {jobs}.",
        "[I need|We need] all of the following done: {jobs}.",
        "Would you take care of these, please: {jobs}.",
        "Could you see that nothing of this is forgotten: {jobs}.",
    ),
)
def many_jobs(scene: Scene) -> Draft:
    """A list of four to seven small jobs."""
    parts = independent(scene, scene.count(4, 7))
    return together(scene.say(jobs=_as_list(scene, parts)), parts)


def _as_list(scene: Scene, parts: list[Part]) -> str:
    jobs = [part.clause for part in parts]
    if scene.chance(0.4):
        return "\n- " + "\n- ".join(jobs)
    if scene.chance(0.5):
        return "; ".join(f"{letter}) {one}" for letter, one in zip("abcdefg", jobs, strict=False))
    return "; ".join(jobs)
