"""What every test file may use."""

import shutil
import tempfile
from pathlib import Path

import pytest

from crm_gym.postgres import VARIABLE, Server, ServerError, server


@pytest.fixture(scope="session")
def pg_server() -> Server:
    """A private PostgreSQL server for the whole run, never the one somebody has configured for use.

    Its folder lies open in the folder for temporary files: run by root, the server is an unprivileged user's, and
    pytest's own temporary folders are closed to it.
    """
    home = Path(tempfile.mkdtemp(prefix="crm_gym-tests-"))
    home.chmod(0o711)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(VARIABLE, raising=False)
            try:
                running = server(folder=home / "pg")
            except ServerError as fault:
                pytest.fail(f"these tests want a PostgreSQL server: {fault}", pytrace=False)
        yield running
        running.purge()
    finally:
        shutil.rmtree(home, ignore_errors=True)
