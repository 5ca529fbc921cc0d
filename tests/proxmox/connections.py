#!/usr/bin/env python3
"""Connections of the fake: what recordings 425, 426 and 465 show, refusals of uploads, faults on request, its end."""

import os
import signal
import socket
import subprocess
import sys
import time

from fake_server import Fake, rest

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def head(fake, method, path, *headers):
    lines = [f"{method} /api2/json{path} HTTP/1.1", "Host: fake", f"Authorization: PVEAPIToken={fake.ready['token']}",
             *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(sock, data):
    """(status line, headers as pairs, body) of one answer on a connection that stays open."""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    text, _, data = data.partition(b"\r\n\r\n")
    status, *lines = text.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    length = int(dict(headers).get("Content-Length", 0))
    while len(data) < length:
        data += sock.recv(65536)
    return status, headers, data[:length]


def ask(fake, sock, method, path, *headers):
    sock.sendall(head(fake, method, path, *headers))
    return answer(sock, b"")


def connections(headers):
    return [value for key, value in headers if key == "Connection"]


@check
def a_connection_serves_a_hundred_requests(fake):
    with fake.connect() as sock:
        seen = [connections(ask(fake, sock, "GET", "/version")[1]) for _ in range(100)]
        assert seen == [["Keep-Alive"]] * 99 + [["close"]], seen[-3:]
        assert rest(sock) == b""


@check
def an_idle_connection_is_closed(fake):
    with fake.connect() as sock:
        ask(fake, sock, "GET", "/version")
        assert rest(sock) == b""  # it ends by itself


@check
def a_proxied_answer_says_both_and_the_connection_lives(fake):
    with fake.connect() as sock:
        assert connections(ask(fake, sock, "GET", "/nodes/pve1/qemu")[1]) == ["close", "Keep-Alive"]
        assert ask(fake, sock, "GET", "/version")[0] == "HTTP/1.1 200 OK"


@check
def an_error_ends_the_connection(fake):
    with fake.connect() as sock:
        status, headers, _ = ask(fake, sock, "GET", "/nosuch")
        assert status == "HTTP/1.1 501 Method 'GET /nosuch' not implemented", status
        assert connections(headers) == ["close"] and rest(sock) == b""


@check
def a_long_answer_is_packed_for_who_can_unpack(fake):
    with fake.connect() as sock:
        assert ("Content-Encoding", "gzip") in ask(fake, sock, "GET", "/access/roles", "Accept-Encoding: gzip")[1]
        assert ("Content-Encoding", "gzip") not in ask(fake, sock, "GET", "/version", "Accept-Encoding: gzip")[1]


@check
def plain_http_is_sent_to_tls(fake):
    with socket.create_connection(("127.0.0.1", fake.port)) as sock:
        sock.sendall(b"GET /api2/json/version HTTP/1.1\r\nHost: somewhere:8006\r\n\r\n")
        text = rest(sock).decode()
    assert text.startswith("HTTP/1.1 301 Moved Permanently\r\n"), text
    assert "Location: https://somewhere:8006/api2/json/version\r\n" in text and text.endswith("\r\n\r\nMoved Permanently")


@check
def faults_break_off_before_and_after_the_work(fake):
    for when, made in (("before", 0), ("after", 1)):
        fake.control("POST", "/faults", {"method": "POST", "path": "^/pools$", "reset": when})
        body = b"poolid=broken"
        data = fake.exchange(head(fake, "POST", "/pools", "Content-Type: application/x-www-form-urlencoded",
                                  f"Content-Length: {len(body)}") + body)
        pools = [pool for pool in fake.call("GET", "/pools")[2]["data"] if pool["poolid"] == "broken"]
        assert data == b"" and len(pools) == made, (when, data, pools)
    assert fake.call("GET", "/version")[0] == 200


@check
def a_fault_answers_with_its_status(fake):
    fake.control("POST", "/faults", {"path": "^/version$", "status": 503, "reason": "no such luck", "count": 2})
    assert [fake.call("GET", "/version")[:2] for _ in range(3)] == [(503, "no such luck")] * 2 + [(200, "OK")]


@check
def a_worker_fails_on_request(fake):
    fake.control("POST", "/faults", {"task": "^qmcreate$", "fail": "no space left", "log": ["working"]})
    upid = fake.call("POST", "/nodes/pve1/qemu", "vmid=100")[2]["data"]
    assert fake.wait_for_task(upid) == "no space left"


@check
def tickets_grow_too_old(fake):
    content = fake.call("POST", "/access/ticket", f"username=root@pam&password={fake.ready['root']['password']}")[2]
    cookie = f"Cookie: PVEAuthCookie={content['data']['ticket']}"
    with fake.connect() as sock:
        assert ask(fake, sock, "GET", "/version", cookie)[0] == "HTTP/1.1 200 OK"
        fake.control("POST", "/expire")
        assert ask(fake, sock, "GET", "/version", cookie)[0] == "HTTP/1.1 401 permission denied - invalid PVE ticket"


@check
def calls_are_counted(fake):
    before = fake.control("GET", "/counts")
    fake.call("GET", "/nodes/pve1/status")
    fake.call("PUT", "/pools", "poolid=nosuch")
    after = fake.control("GET", "/counts")
    name = "GET /nodes/{node}/status"
    assert after["calls"][name] == before["calls"].get(name, 0) + 1
    assert after["mutations"] == before["mutations"] + 1


@check
def a_reset_takes_all_away(fake):
    fake.call("POST", "/nodes/pve1/storage/data/content", "vmid=900&filename=vm-900-disk-0.raw&size=1M")
    assert fake.control("GET", "/left")["volumes"] == ["data:900/vm-900-disk-0.raw"]
    fake.control("POST", "/reset")
    assert fake.control("GET", "/left")["volumes"] == [] and fake.call("GET", "/version")[0] == 200


@check
def the_node_answers_by_ssh_and_is_lost_with_its_power(fake):
    ssh = ["ssh", "-F", fake.ready["nodes"]["pve1"]["ssh"]["config"], "pve1"]
    assert subprocess.run([*ssh, "hostname"], capture_output=True, text=True, check=True).stdout == "pve1\n"
    with subprocess.Popen([*ssh, "echo up; sleep 600"], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as session:
        try:
            assert session.stdout.readline() == b"up\n"
            assert any("sleep 600" in words for words in fake.control("GET", "/left")["processes"]["pve1"])
            fake.control("POST", "/node", {"node": "pve1", "reboot": True})
            assert session.wait(60) != 0
        finally:
            session.kill()
    assert subprocess.run([*ssh, "true"], check=False).returncode == 0


def killed_fakes_leave_nothing():
    for number in (signal.SIGKILL, signal.SIGTERM):
        with Fake("--fast-401") as fake:
            ssh = ["ssh", "-F", fake.ready["nodes"]["pve1"]["ssh"]["config"], "pve1", "echo up; sleep 600"]
            with subprocess.Popen(ssh, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as session:
                assert session.stdout.readline() == b"up\n"
                os.kill(fake.ready["pid"], number)
                session.wait(60)
        while os.path.exists(fake.ready["state"]):
            time.sleep(0.05)  # the suite's own limit ends this when it is never removed
        assert not running_of(fake.ready["state"]), number


def running_of(state):
    """Processes that still name the fake's folder."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if state.encode() in words and b"keeper.py" not in words:
                found.append(words)
    return found


def main():
    failed = 0
    with Fake("--fast-401") as fake:
        for function in CHECKS:
            try:
                function(fake)
            except Exception as error:  # each check says for itself what was wrong
                failed += 1
                print(f"{function.__name__}: {type(error).__name__}: {error}")
    killed_fakes_leave_nothing()
    print(f"{len(CHECKS) + 1 - failed} checks of connections passed, {failed} failed; exit status of the fake {fake.exit_code}")
    return 1 if failed or fake.exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
