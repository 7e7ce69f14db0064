"""Every test of a tool once more, on PostgreSQL: the fixture `crm` is another, the tests are the same."""

import inspect

import pytest
import test_tools
from furnished import furnished

from crm_gym.store.postgres import PostgresStore

IN_MEMORY_ONLY = {"test_a_call_that_fails_at_any_write_leaves_nothing"}  # it makes the in-memory store fail

for name, test in vars(test_tools).items():
    if name.startswith("test_") and "crm" in inspect.signature(test).parameters and name not in IN_MEMORY_ONLY:
        globals()[name] = test


@pytest.fixture(scope="module")
def store(pg_server):
    store = PostgresStore(pg_server.dsn)
    yield store
    store.close()


@pytest.fixture
def crm(store):
    world = furnished()
    store.begin(world, world.find, world.counts())
    store.savepoint()
    return world.fork(store=store)


def test_the_tests_of_the_tools_are_here():
    assert sum(name.startswith("test_") for name in globals()) > 20
