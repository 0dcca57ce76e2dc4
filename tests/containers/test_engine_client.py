"""No engine, no permission, no image, no GPU: each its own paragraph, in a real engine's words."""

import os
import pwd
import socket
import sys
import threading

import pytest
from engine_fake import faking

from harness.containers import refusals
from harness.containers.box import started
from harness.containers.engine import connect, find_image
from harness.containers.limits import Limits
from harness.containers.shape import Work
from harness.errors import MachineError


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine with one image."""
    monkeypatch.chdir(tmp_path)
    with faking(tmp_path) as fake:
        monkeypatch.setenv("DOCKER_HOST", fake.host)
        yield fake


@pytest.fixture
def client(engine):
    """Connected to it."""
    found = connect()
    yield found
    found.close()


@pytest.fixture
def start(client):
    """Starts a container that does nothing."""

    def _start(**more):
        work = Work(command=(), folders=(), **more)
        with started(client, work, Limits(image="named")):
            pass

    return _start


def test_an_engine_is_found_and_its_image_named_by_id(client, engine):
    """The ID is what runs, whatever becomes of the tag."""
    image = find_image(client, "named")
    assert image.id == engine.answers["image"]["body"]["Id"]
    assert image.digests == ()


def test_an_sdk_that_isnt_installed_is_told(monkeypatch):
    """With what to install, and that containers aren't the only way."""
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(MachineError, match=r"`docker`: got not installed.*pip install docker"):
        connect()


def test_no_engine_is_told(tmp_path, monkeypatch):
    """There isn't even a socket."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/sock")
    with pytest.raises(MachineError, match=r"/sock: got no engine that answers.*Start Docker"):
        connect()


def test_a_socket_that_nobody_serves_is_told(tmp_path, monkeypatch):
    """An engine that crashed leaves it."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/sock")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/sock")
        with pytest.raises(MachineError, match="got no engine that answers"):
            connect()


def test_no_permission_on_the_socket_is_told(tmp_path, monkeypatch):
    """What everybody meets who isn't in the group yet."""
    with socket.socket(socket.AF_UNIX) as shut:
        shut.bind(f"{tmp_path}/sock")
        shut.listen()
        os.chmod(f"{tmp_path}/sock", 0)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/sock")
        with (
            Somebody(tmp_path),
            pytest.raises(MachineError, match=r"got no permission on its socket.*usermod -aG"),
        ):
            connect()


class Somebody:
    """No file's owner and no administrator: root may open anything."""

    def __init__(self, folder):
        for one in (folder, *folder.parents):
            if one.stat().st_uid == os.geteuid() and len(one.parts) > 2:
                one.chmod(one.stat().st_mode | 0o111)

    def __enter__(self):
        self.before = os.geteuid()
        if self.before == 0:
            os.seteuid(pwd.getpwnam("nobody").pw_uid)

    def __exit__(self, *error):
        os.seteuid(self.before)


def test_an_address_that_is_none_is_told(monkeypatch):
    """A slip in $DOCKER_HOST."""
    monkeypatch.setenv("DOCKER_HOST", "rubbish://x")
    with pytest.raises(MachineError, match=r"Invalid bind address.*Check \$DOCKER_HOST"):
        connect()


def test_what_isnt_an_engine_is_told(tmp_path, monkeypatch):
    """A server of something else."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{tmp_path}/talk")
        other.listen()

        def talk():
            # The first only knocks.
            other.accept()[0].close()
            with other.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        talking = threading.Thread(target=talk, daemon=True)
        talking.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/talk")
        with pytest.raises(MachineError, match=r"got Expecting value.*Check \$DOCKER_HOST"):
            connect()
        talking.join()


@pytest.mark.parametrize("version", ["1.12", "1.39"])
def test_an_old_api_is_told(engine, version):
    """One that the SDK refuses, and one that can't give GPUs."""
    engine.answers["version"]["body"]["ApiVersion"] = version
    with pytest.raises(MachineError, match=r"got API .*expected API 1\.40 or newer"):
        connect()


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("reproduction-harness:gpu", "`harness container build --flavour gpu` makes it"),
        ("elsewhere/image:1", "`harness container build` makes it"),
    ],
)
def test_a_missing_image_is_told_with_the_command_that_makes_it(client, name, way_out):
    """Nothing is pulled: what would come isn't known."""
    with pytest.raises(MachineError, match=f"image {name}: got no such image.*{way_out}"):
        find_image(client, name)


@pytest.mark.parametrize(
    ("step", "answer", "told"),
    [
        ("start", "no GPU", r"an engine without a GPU runtime.*container toolkit.*--device cpu"),
        ("create", "no folder", r"no folder /missing/store on the engine's machine"),
        ("start", "no program", r"an image that has no `harness`.*--image"),
        ("create", "too many CPUs", r"expected 0\.01 to 2\.00. Give --cpus in that range"),
        ("create", "too little memory", r"expected 6MB or more. Raise --memory"),
        ("create", "too new", r"doesn't speak the SDK's version"),
    ],
)
def test_what_an_engine_refuses_is_told(engine, start, step, answer, told):
    """In our words where they are known; nothing is left behind."""
    engine.refuse[step] = answer
    with pytest.raises(MachineError, match=told):
        start(gpu=answer == "no GPU")
    assert engine.removed == (step == "start")


def test_what_nobody_foresaw_is_told_in_the_engines_words(engine, start):
    """Still one paragraph."""
    engine.answers["no GPU"]["body"]["message"] = "the moon is in the wrong house"
    engine.refuse["start"] = "no GPU"
    with pytest.raises(MachineError, match="got a refusal: the moon is in the wrong house"):
        start()


def test_our_own_bugs_keep_their_traceback():
    """Only what the SDK raises is told as the engine's."""
    with pytest.raises(ZeroDivisionError), refusals.described():
        raise ZeroDivisionError
