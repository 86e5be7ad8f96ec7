"""Attacks agents over their sockets, and measures what that costs: memory, and how long a span takes to be there.

attack.py AGENT CAP COMMAND [-- COMMAND]...

AGENT is started for each attack, with CAP bytes for traces, which are full when it begins. The last attack are the
commands, in which {query}, {collector}, {otlp} and {sampling} stand for its URLs.
"""

import gzip
import http.client
import json
import multiprocessing
import re
import resource
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

MIB = 1 << 20
# What the agent may take besides its traces.
ROOM = 64 * MIB
# How long a span may take to be there while the machine is busy with an attack, at most, in seconds.
P99 = 0.25
# As long as the agent keeps an idle connection, and some more.
HELD = 20
# Whoever was stopped longer than this, in seconds, has measured nothing.
STILL = 2


# How a body begins to be posted.
POST = {
    "collector": "POST /api/traces HTTP/1.1\r\nContent-Type: application/x-thrift",
    "otlp": "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf",
}

# The trace that has more spans than any other.
LARGE = 1 << 40

# Thrift binary: a batch of a service with one span a trace.


def text(value):
    return struct.pack(">i", len(value)) + value


def field(kind, id, value):
    return struct.pack(">bh", kind, id) + value


def span(trace, id, tags):
    return (
        b"".join(field(10, n, struct.pack(">q", v)) for n, v in [(1, trace), (2, 0), (3, id), (4, 0)])
        + field(11, 5, text(b"operation"))
        + field(8, 7, struct.pack(">i", 1))
        + b"".join(field(10, n, struct.pack(">q", v)) for n, v in [(8, time.time_ns() // 1000), (9, 10)])
        + field(15, 10, struct.pack(">bi", 12, len(tags)) + b"".join(tags))
        + b"\0"
    )


def tag(key, value):
    return field(11, 1, text(key)) + field(8, 2, struct.pack(">i", 0)) + field(11, 3, text(value)) + b"\0"


def batch(service, spans):
    process = field(11, 1, text(service)) + b"\0"
    return field(12, 1, process) + field(15, 2, struct.pack(">bi", 12, len(spans)) + b"".join(spans)) + b"\0"


def message(service, spans):
    head = b"\x80\x01\x00\x04" + text(b"emitBatch") + struct.pack(">i", 1)
    return head + field(12, 1, batch(service, spans)) + b"\0"


class Agent:
    """A running agent: its ports, its memory, its counters."""

    def __init__(self, program, cap):
        self.process = subprocess.Popen([program, "--ephemeral-ports", "--memory", str(cap)], stdout=subprocess.PIPE, text=True)
        self.port = {}
        names = {"binary": "binary", "Thrift over HTTP": "collector", "OTLP over HTTP": "otlp", "strategies": "sampling", "traces  ": "query"}
        while len(self.port) < len(names):
            line = self.process.stdout.readline()
            for words, name in names.items():
                if words in line:
                    self.port[name] = int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, name):
        return f"http://127.0.0.1:{self.port[name]}"

    def memory(self, line):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(line + r":\s+(\d+) kB", status.read())[1]) << 10

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as refs:
            refs.write("5")

    def ask(self, path="/health", connection=None):
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port["query"], timeout=2 * HELD)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def post(self, body, headers=None):
        return self.post_to("collector", "/api/traces", body, {"Content-Type": "application/x-thrift", **(headers or {})})

    def post_to(self, name, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port[name], timeout=2 * HELD)
        try:
            connection.request("POST", path, body, headers)
        except OSError:
            pass  # It may refuse a body before it has all.
        return connection.getresponse().status

    def fill(self, bytes):
        """Posts spans until these many bytes were sent: first traces of a hundred spans, then LARGE."""
        tags = [tag(b"key-%d" % n, b"v" * 60) for n in range(10)]
        sent, spans = 0, 0
        while sent < bytes:
            large = sent > bytes * 9 // 10
            numbers = range(spans + 1, spans + 1001)
            body = batch(b"filling", [span(LARGE if large else n // 100 + 1, n, tags) for n in numbers])
            assert self.post(body) == 202
            sent, spans = sent + len(body), spans + 1000


class Probe:
    """Sends a span by UDP, asks until the store has it, and again."""

    def __init__(self, agent):
        self.agent = agent
        self.trace = time.time_ns()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Opened before the attack: whether a new one is served is another question.
        self.connection = http.client.HTTPConnection("127.0.0.1", agent.port["query"], timeout=2 * HELD)
        self.received = self.count()

    def count(self):
        return json.loads(self.agent.ask("/health", self.connection)[1])["store"]["spans_received"]

    def run(self, while_):
        took = []
        while while_():
            self.trace += 1
            self.received += 1
            datagram = message(b"probe", [span(self.trace, 1, [])])
            start = time.perf_counter()
            self.socket.sendto(datagram, ("127.0.0.1", self.agent.port["binary"]))
            while self.count() < self.received:
                assert time.perf_counter() - start < 10, "a span was lost"
            took.append(time.perf_counter() - start)
            time.sleep(0.005)
        return statistics.quantiles(took, n=100)[98]


class Pulse(threading.Thread):
    """Notices when this process is stopped, as it may be where machines are shared. To the agent its connections then look
    idle, and are closed."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest = 0

    def run(self):
        while True:
            start = time.monotonic()
            time.sleep(0.1)
            self.longest = max(self.longest, time.monotonic() - start)


# The attacks: each a process of its own, that ends when it has done its worst.


def connect(port):
    stream = socket.socket()
    stream.settimeout(HELD)
    # With a small window, what is not read stays with the agent.
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.connect(("127.0.0.1", port))
    return stream


def try_all(streams, data):
    for stream in streams:
        try:
            stream.setblocking(False)
            stream.send(data)
        except OSError:
            pass


def crowd(port, count):
    """As many connections as there are places, and then as many as the kernel takes."""
    streams = []
    for _ in range(count):
        stream = socket.socket()
        stream.setblocking(False)
        stream.connect_ex(("127.0.0.1", port))
        streams.append(stream)
    time.sleep(0.5)
    return streams


def nothing(agent):
    time.sleep(HELD)


def slow_heads(agent):
    streams = [stream for name in ("query", "collector", "otlp", "sampling") for stream in crowd(agent.port[name], 500)]
    try_all(streams, b"GET / HTTP/1.1\r\nX: ")
    for _ in range(HELD):
        try_all(streams, b"x")
        time.sleep(1)


def long_heads(agent):
    for name in ("query", "collector", "otlp", "sampling"):
        streams = crowd(agent.port[name], 256)
        try_all(streams, b"GET / HTTP/1.1\r\nX: ")
        for _ in range(20):
            try_all(streams, b"x" * 65_000)
            time.sleep(0.05)


def long_bodies(agent):
    length = 100 * MIB
    for name in ("query", "collector", "otlp", "sampling"):
        for framing, begin in [(f"Content-Length: {length}", ""), ("Transfer-Encoding: chunked", f"{length:x}\r\n")]:
            line = POST["otlp" if name == "otlp" else "collector"]
            head = f"{line}\r\nHost: localhost\r\n{framing}\r\n\r\n{begin}"
            stream = connect(agent.port[name])
            try:
                stream.sendall(head.encode())
                for _ in range(100):
                    stream.sendall(bytes(MIB))
            except OSError:
                pass
            answer = stream.recv(12)
            assert answer[9:12] in (b"405", b"404", b"413"), (name, answer)


def unfinished_bodies(agent):
    streams = []
    for name, line in POST.items():
        begun = crowd(agent.port[name], 256)
        try_all(begun, f"{line}\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n".encode())
        streams += begun
    for _ in range(HELD * 10):
        try_all(streams, bytes(65_536))
        time.sleep(0.1)


def bombs(agent):
    body = gzip.compress(bytes(1 << 30))
    assert len(body) < MIB + 65_536
    for _ in range(20):
        assert agent.post(body, {"Content-Encoding": "gzip"}) == 415
        assert agent.post(body) == 400
        for kind in ("application/x-protobuf", "application/json"):
            headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
            assert agent.post_to("otlp", "/v1/traces", body, headers) == 413


def requests(agent):
    """Requests of OTLP, not as long as they may be, which would be read for seconds by what was built without optimisations: of
    spans, attributes and lists as short as they may be, and of libraries with
    names that each of their spans would have."""

    def part(number, content):
        length, out = len(content), bytes([number << 3 | 2])
        while length >= 0x80:
            length, out = length >> 7, out + bytes([length & 0x7F | 0x80])
        return out + bytes([length]) + content

    def fill(one, bytes):
        return one * (bytes // len(one))

    ids = part(1, b"1" * 16) + part(2, b"2" * 8)
    key = part(1, b"k")
    long, half = MIB // 16, MIB // 32
    deep = b""
    while len(deep) < half - 100:
        deep = part(1, part(5, deep))
    spans = [
        ids,
        ids + fill(part(9, key), half),
        ids + fill(part(11, b""), half),
        ids + part(9, key + part(2, part(5, fill(part(1, b""), half)))),
        ids + part(9, key + part(2, part(5, deep))),
    ]
    bodies = [part(1, part(2, fill(part(2, span), long))) for span in spans]
    bodies.append(fill(part(1, part(1, fill(part(1, key), half)) + part(2, part(2, ids))), long))
    bodies.append(part(1, part(2, part(1, part(1, b"n" * half)) + fill(part(2, ids), half))))
    value = '{"arrayValue":{"values":[' * 2_000 + "]}}" * 2_000
    span = '{"traceId":"1","spanId":"%x","startTimeUnixNano":1,"endTimeUnixNano":2,"attributes":[{"key":"k","value":' + value + "}]}"
    bodies.append(('{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}' % ",".join(span % n for n in range(1, 3))).encode())
    bodies.append(b'{"resourceSpans":[%s]}' % b",".join([b"{}"] * (long // 4)))
    for body in bodies:
        kind = "application/json" if body[:1] == b"{" else "application/x-protobuf"
        for headers, body in [({}, body), ({"Content-Encoding": "gzip"}, gzip.compress(body))]:
            for _ in range(16):
                assert agent.post_to("otlp", "/v1/traces", body, {"Content-Type": kind, **headers}) == 200


def files(agent):
    """Files of traces as long as they may be, whose parts would take many times their text if they were held."""
    span = '{"traceID":"1","spanID":"1","operationName":"","startTime":0,"duration":0,"processID":"p","tags":[%s]}'
    tags = ",".join(['{"key":"","value":0}'] * 40_000)
    lists = "[" * 1_000_000 + "]" * 1_000_000
    files = [
        '{"data":[{"traceID":"1","processes":{"p":{"serviceName":""}},"spans":[%s]}]}' % ",".join([part] * ((16 * MIB - 1000) // (len(part) + 1)))
        for part in (span % "", span % tags, span % lists, "0", lists)
    ]
    files.append('{"resourceSpans":[%s]}' % ",".join(["{}"] * (5 * MIB)))
    files.append("[" * 16 * MIB)
    for file in files:
        assert len(file) <= 16 * MIB
        # One takes all the room there is.
        streams = [connect(agent.port["query"]) for _ in range(8)]
        for stream in streams:
            stream.settimeout(3 * HELD)
            try:
                stream.sendall(f"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(file)}\r\n\r\n{file}".encode())
            except OSError:
                pass  # As in `post`.
        for stream in streams:
            answer = stream.recv(12)
            assert answer[9:12] in (b"200", b"400", b"503"), answer


def unread_answers(agent):
    paths = ["/api/traces?service=filling&limit=1500", f"/api/traces/{LARGE:x}", f"/trace/{LARGE:x}"]
    streams = []
    for n in range(250):
        streams.append(connect(agent.port["query"]))
        streams[-1].sendall(f"GET {paths[n % len(paths)]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    time.sleep(2 * HELD)


def tester(agent):
    for line in " ".join(sys.argv[3:]).split(" -- "):
        subprocess.run(line.format(**{name: agent.url(name) for name in agent.port}).split(), check=True)


def attack(agent, cap, attacker):
    """Lets an attacker at an agent that is full, and returns what went wrong."""
    name = attacker.__name__.replace("_", " ")
    agent.fill(3 * cap)
    agent.forget_peak()
    before = agent.memory("VmRSS")
    probe = Probe(agent)
    attacking = multiprocessing.Process(target=attacker, args=(agent,))
    attacking.start()
    try:
        p99 = probe.run(attacking.is_alive)
    finally:
        attacking.terminate()
        attacking.join()
    start = time.perf_counter()
    served = agent.ask()[0] == 200
    took = time.perf_counter() - start
    peak = agent.memory("VmHWM")
    print(
        f"{name}: {before / MIB:.0f} MiB, at most {peak / MIB:.0f}; a span is there after {p99 * 1000:.1f} ms (p99); "
        f"the next answer after {took:.1f} s",
        flush=True,
    )
    if attacking.exitcode != 0:
        yield f"{name}: the attack failed"
    if p99 > P99:
        yield f"{name}: spans were held up"
    if peak > cap + ROOM:
        yield f"{name}: too much memory"
    if not served:
        yield f"{name}: nothing is served afterwards"


def main():
    program, cap = sys.argv[1], int(sys.argv[2])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    failed = []
    pulse = Pulse()
    pulse.start()
    for attacker in [nothing, slow_heads, long_heads, long_bodies, unfinished_bodies, bombs, requests, files, unread_answers, tester]:
        for _ in range(3):
            pulse.longest, wrong = 0, []
            try:
                with Agent(program, cap) as agent:
                    wrong += attack(agent, cap, attacker)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                wrong.append(f"{attacker.__name__}: {error!r}")
            if not wrong or pulse.longest < STILL:
                break
            print(f"stopped for {pulse.longest:.0f} s, once more: {', '.join(wrong)}", flush=True)
        failed += wrong
    sys.exit("\n".join(failed) or 0)


if __name__ == "__main__":
    main()
