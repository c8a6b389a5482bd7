"""A bridge with workers: real processes, shared sockets, a file each, one voice."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.spool.schema import APPLICATION
from tests.bridges import record
from tests.lab.processes import PYTHON
from tests.service.fleets import FleetProcess, balance, fleet, hang_up, pids, runs

CONNECTIONS = 16


async def send(bridge: FleetProcess, *records: str) -> None:
    writer = await bridge.connect()
    writer.write("".join(f"{one}\n" for one in records).encode())
    await hang_up(writer)


def ids(bridge: FleetProcess) -> list[int]:
    return [int(one["_cef_external_id"]) for one in bridge.events()]


async def test_workers_share_connections_datagrams_and_the_kinds_of_fields(tmp_path: Path) -> None:
    """The same vendor's field comes as a number and as a text, at once in both workers."""
    async with fleet(tmp_path) as bridge:
        bridge.configure()
        await bridge.start()
        sent = 0
        async with asyncio.timeout(30):
            while not sent or not all(await accepted_by_worker(bridge)):
                sent += await send_at_once(bridge, sent)
                status = await bridge.delivered(sent)
        assert balance(status, "malops")["accepted"] == sent
        assert sorted(ids(bridge)) == list(range(sent))
        odd = [one["_example_odd"] for one in bridge.events() if "_example_odd" in one]
        assert odd
        assert len({type(one) for one in odd}) == 1
        assert await bridge.terminate() == 0
    assert bridge.log.read_text().count("malops: stopped") == 2
    assert not list((tmp_path / "spool").glob("*.sock"))


async def send_at_once(bridge: FleetProcess, first: int) -> int:
    """A record over each of many connections, and as many datagrams; how many in all."""
    opened = await asyncio.gather(*(bridge.connect() for _ in range(CONNECTIONS)))
    for number, writer in enumerate(opened):
        more = (" cn1Label=Odd cn1=5", " cs1Label=Odd cs1=five")[number % 2]
        writer.write(f"{record(first + number, more)}\n".encode())
    await hang_up(*opened)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(CONNECTIONS, 2 * CONNECTIONS):
            sender.sendto(record(first + number).encode(), ("127.0.0.1", bridge.port))
    return 2 * CONNECTIONS


async def accepted_by_worker(bridge: FleetProcess) -> list[int]:
    """Events of connections and datagrams that each worker has accepted."""
    found = []
    for worker in (0, 1):
        client = type(bridge.client)(bridge.folder / "spool" / f"worker-{worker}.sock")
        found.append(balance(await bridge.ask(client.get, "/status"), "malops")["accepted"])
    return found


async def test_a_killed_worker_is_replaced_and_loses_nothing_that_it_had_accepted(
    tmp_path: Path,
) -> None:
    async with fleet(tmp_path) as bridge:
        bridge.configure()
        status = await bridge.start()
        sent: dict[int, int] = {}
        load: list[asyncio.Task[None]] = []
        async with asyncio.timeout(30):
            while not all(await accepted_by_worker(bridge)):
                more = range(len(load), len(load) + 4)
                load += [asyncio.create_task(keep_sending(bridge, n, sent)) for n in more]
                await bridge.delivered(len(load) * 25)
        os.kill(pids(status)[1], signal.SIGKILL)
        replaced = await bridge.until(
            lambda now: now["workers"][1]["restarts"] == 1 and not now["not_ready"]
        )
        assert pids(replaced)[0] == pids(status)[0]
        await send(bridge, record(999_999_999))
        for task in load:
            task.cancel()
        broken = sum(
            isinstance(end, ConnectionError)
            for end in await asyncio.gather(*load, return_exceptions=True)
        )
        assert 0 < broken < len(load)
        now = await bridge.until(
            lambda now: (
                balance(now, "malops")["in_flight"] == balance(now, "out")["spooled"] == 0
                and 999_999_999 in ids(bridge)
            )
        )
        uids = {one["_event_uid"] for one in bridge.events()}
        assert len(uids) == balance(now, "out")["accepted"] == balance(now, "malops")["accepted"]
        arrived = set(ids(bridge))
        whole = [n for n, task in enumerate(load) if task.cancelled()]
        for n in whole:
            await bridge.until(lambda _, n=n: n * 1_000_000 + sent[n] - 1 in ids(bridge))  # type: ignore[misc]
        arrived = set(ids(bridge))
        for n in whole:
            assert {n * 1_000_000 + i for i in range(sent[n])} <= arrived
        assert "worker 1 ended by SIGKILL; another one starts at once" in bridge.log.read_text()


async def keep_sending(bridge: FleetProcess, number: int, sent: dict[int, int]) -> None:
    """Records with numbers of their own, until cancelled or cut off."""
    writer = await bridge.connect()
    sent[number] = 0
    try:
        while True:
            await writer.drain()
            writer.write(f"{record(number * 1_000_000 + sent[number])}\n".encode())
            sent[number] += 1
            await asyncio.sleep(0.002)
    finally:
        await hang_up(writer)


async def test_when_the_parent_is_killed_its_workers_end_and_the_next_start_goes_on(
    tmp_path: Path,
) -> None:
    async with fleet(tmp_path) as bridge:
        bridge.configure()
        status = await bridge.start()
        await send(bridge, record(1), record(2))
        await bridge.delivered(2)
        await bridge.kill()
        again = await bridge.start()
        assert not set(pids(status)) & set(pids(again))
        assert not any(runs(pid) for pid in pids(status))
        await send(bridge, record(3))
        await bridge.delivered(3)
        assert sorted(ids(bridge)) == [1, 2, 3]


async def test_a_reload_opens_and_closes_listeners_for_all_workers(tmp_path: Path) -> None:
    async with fleet(tmp_path) as bridge:
        bridge.configure(workers=2)
        status = await bridge.start()
        old = await bridge.connect()
        first, bridge.port = bridge.port, FleetProcess(tmp_path).port
        kept = f'same: {{type: cef, address: "127.0.0.1:{first}", event_type: changed}}'
        bridge.configure(workers=3, malops=f"{kept}\n  malops")
        answer = await bridge.ask(bridge.client.post, "/reload")
        assert answer["problems"] == []
        assert "input same is new: started" in answer["changes"]
        assert "workers has changed: that takes effect at the next start" in answer["changes"]
        now = await bridge.until(lambda now: not now["not_ready"])
        assert pids(now) == pids(status)
        await hang_up(old)
        await send(bridge, record(1))
        bridge.port, second = first, bridge.port
        await send(bridge, record(2))
        await bridge.delivered(2)
        kinds = {one["_cef_external_id"]: one["_event_type"] for one in bridge.events()}
        assert kinds == {"1": "example", "2": "changed"}
        bridge.port = second
        bridge.configure()
        await bridge.ask(bridge.client.post, "/reload")
        bridge.port = first
        try:
            writer = await bridge.connect()
        except ConnectionRefusedError:
            pass
        else:
            await hang_up(writer)
            raise AssertionError("somebody still listens")
        everywhere = {f"127.0.0.1:{second}": f"0.0.0.0:{second}"}
        bridge.port = second
        bridge.configure(**everywhere)
        await bridge.ask(bridge.client.post, "/reload")
        now = await bridge.until(lambda now: "0.0.0.0" in str(now) and not now["not_ready"])
        bridge.config.write_text("inputs: {}")
        answer = await bridge.ask(bridge.client.post, "/reload")
        assert answer["problems"]
        assert pids(await bridge.until(lambda now: not now["not_ready"])) == pids(status)


async def test_files_of_workers_that_are_no_more_are_delivered_and_counted(tmp_path: Path) -> None:
    async with fleet(tmp_path) as bridge:
        closed = FleetProcess(tmp_path).port
        nowhere = f'type: gelf_tcp, endpoint: "127.0.0.1:{closed}"'
        own = f"type: file, path: {tmp_path}/out.log"
        bridge.configure(workers=3, **{own: nowhere})
        await bridge.start()
        await asyncio.gather(*(send(bridge, record(number)) for number in range(30)))
        await bridge.until(lambda now: balance(now, "out")["spooled"] == 30)
        assert await bridge.terminate() == 0

        bridge.configure(workers=1)
        status = await bridge.start()
        assert len(status["workers"]) > 1
        status = await bridge.delivered(30)
        assert sorted(ids(bridge)) == list(range(30))
        assert await bridge.terminate() == 0

        status = await bridge.start()
        assert status["workers"] == []
        assert balance(status, "out")["delivered"] == balance(status, "malops")["accepted"] == 30
        assert [one.name for one in (tmp_path / "spool").glob("*.db")] == ["worker-0.db"]


async def test_metrics_tap_and_readiness_speak_for_all(tmp_path: Path) -> None:
    async with fleet(tmp_path) as bridge:
        bridge.configure()
        await bridge.start()
        lines = bridge.client.lines("/tap", {})
        seen = asyncio.get_running_loop().run_in_executor(
            None, lambda: [next(lines) for _ in range(8)]
        )
        done = False
        number = 0
        while not done:
            await asyncio.gather(*(send(bridge, record(number + n)) for n in range(4)))
            number += 4
            done, _ = await asyncio.wait([seen], timeout=0.1)
        assert any(b"externalId" in line for line in seen.result())
        await bridge.delivered(number)
        metrics = await bridge.ask(bridge.client.text, "/metrics")
        total = 'gelf_bridge_input_events_accepted_total{component="malops",type="cef"} '
        assert f"{total}{number}.0" in metrics
        assert 'gelf_bridge_worker_up{worker="1"} 1.0' in metrics
        assert await bridge.ask(bridge.client.text, "/readyz") == "ready\n"
        assert await bridge.ask(bridge.client.get, "/checkpoints") == []
        assert await bridge.ask(bridge.client.get, "/dead") == []
        taken = await bridge.ask(bridge.client.post, "/replay", record(7).encode(), input="malops")
        assert taken == {"accepted": 1, "repeated": 0}


async def test_a_configuration_that_only_the_workers_cannot_use_ends_them_all(
    tmp_path: Path,
) -> None:
    """A spool file of a newer version: no worker is started again and again."""
    async with fleet(tmp_path) as bridge:
        bridge.configure()
        (tmp_path / "spool").mkdir()
        with closing(sqlite3.connect(tmp_path / "spool" / "worker-1.db")) as db:
            db.executescript(f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 99")
        await bridge._start([*PYTHON, "bridge", "run", "-c", str(bridge.config)])
        assert bridge._process
        async with asyncio.timeout(30):
            assert await bridge._process.wait() == 78
        assert "has format 99" in bridge.log.read_text()
