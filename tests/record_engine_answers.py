"""Writes tests/engine_answers.json: what a real engine answers, for `engine_fake.py` to repeat.

Run by hand where $DOCKER_HOST names an engine that has a small image with Python in it:

    python tests/record_engine_answers.py IMAGE
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from pathlib import Path

ANSWERS = Path(__file__).with_name("engine_answers.json")
API = "/v1.41"
GREEDY = "x = bytearray(400_000_000); print(len(x))"
# Of answers that describe a machine, what the tests need.
KEPT = {
    "version": ("ApiVersion", "MinAPIVersion", "Version", "Os", "Arch"),
    "info": ("MemTotal", "NCPU", "Runtimes", "SecurityOptions", "ServerVersion", "Warnings"),
    "image": ("Id", "RepoTags", "RepoDigests", "Size"),
    "container": ("Id", "State", "Config", "HostConfig"),
}


class Engine(http.client.HTTPConnection):
    """An engine at a socket of this machine."""

    def __init__(self):
        super().__init__("localhost")

    def connect(self):
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))

    def ask(self, method, path, body=None):
        """The status and the body of an answer."""
        text = None if body is None else json.dumps(body)
        self.request(method, path, text, {"Content-Type": "application/json"})
        answer = self.getresponse()
        said = answer.read()
        return {"status": answer.status, "body": json.loads(said) if said else None}


def container(engine, image, host, *command):
    """Create one; its ID."""
    body = {"Image": image, "Cmd": command, "HostConfig": {"NetworkMode": "none", **host}}
    return engine.ask("POST", f"{API}/containers/create", body)


def run(engine, image, host, *command):
    """Run one to its end; what `inspect` says then."""
    made = container(engine, image, host, *command)["body"]["Id"]
    started = engine.ask("POST", f"{API}/containers/{made}/start")
    assert started["status"] == 204, started
    waited = engine.ask("POST", f"{API}/containers/{made}/wait")
    answer = engine.ask("GET", f"{API}/containers/{made}/json")
    engine.ask("DELETE", f"{API}/containers/{made}?force=true")
    return {"wait": waited, "inspect": kept("container", answer)}


def kept(kind, answer):
    """The answer with the parts of its body that tests need."""
    return {**answer, "body": {name: answer["body"][name] for name in KEPT[kind]}}


def refused_start(engine, image, host, *command):
    """What an engine says to a container that it makes and can't start."""
    made = container(engine, image, host, *command)["body"]["Id"]
    answer = engine.ask("POST", f"{API}/containers/{made}/start")
    engine.ask("DELETE", f"{API}/containers/{made}?force=true")
    return answer


def main(image):
    """Ask for everything that the tests need."""
    engine = Engine()
    gpu = {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}
    bind = {"Mounts": [{"Type": "bind", "Source": "/missing/store", "Target": "/store"}]}
    greedy = {"Memory": 100_000_000, "MemorySwap": 100_000_000, "Init": True}
    made = container(engine, image, {}, "true")
    answers = {
        "version": kept("version", engine.ask("GET", "/version")),
        "info": kept("info", engine.ask("GET", f"{API}/info")),
        "image": kept("image", engine.ask("GET", f"{API}/images/{image}/json")),
        "create": made,
        "start": engine.ask("POST", f"{API}/containers/{made['body']['Id']}/start"),
        "ended": run(engine, image, {}, "true"),
        "killed for memory": run(engine, image, greedy, "python3", "-c", GREEDY),
        "no image": engine.ask("GET", f"{API}/images/nowhere:cpu/json"),
        "no GPU": refused_start(engine, image, gpu, "true"),
        "no folder": container(engine, image, bind, "true"),
        "no program": refused_start(engine, image, {}, "harness"),
        "too many CPUs": container(engine, image, {"NanoCpus": 999_000_000_000}, "true"),
        "too little memory": container(engine, image, {"Memory": 1000}, "true"),
        "too new": engine.ask("GET", "/v1.99/info"),
    }
    engine.ask("DELETE", f"{API}/containers/{made['body']['Id']}?force=true")
    version = answers["version"]["body"]["Version"]
    text = json.dumps({"made_by": f"docker {version}, {Path(__file__).name}", **answers}, indent=1)
    ANSWERS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
