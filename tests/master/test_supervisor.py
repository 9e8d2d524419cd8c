"""The master's decisions, by table and with a clock of our own."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunicorn.master.backoff import BACKOFF_LAST
from gunicorn.master.decisions import (
    Gone,
    Leaving,
    Measured,
    Reexec,
    Reload,
    ReloadDone,
    ReloadFailed,
    ReopenLogs,
    Resized,
    SpawnFailed,
    StopListening,
    TimedOut,
)
from gunicorn.master.slow_boots import SLOW_BOOT
from tests.master.world import (
    ABRT,
    KILL,
    POLICY,
    QUIT,
    TERM,
    World,
    halt,
    kills,
    lines,
    spawns,
)

HUP, TTIN, TTOU, USR1, USR2 = signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1, signal.SIGUSR2
INT, WINCH = signal.SIGINT, signal.SIGWINCH


class TestStart:
    def test_it_starts_the_workers_that_are_wanted_and_no_more(self) -> None:
        world = World()
        assert spawns(world.step()) == 2
        assert spawns(world.step()) == 0

    def test_it_sleeps_until_the_first_heartbeat_can_be_late(self) -> None:
        world = World()
        world.step()
        assert world.deadline == pytest.approx(1000 + SLOW_BOOT, abs=0.01)
        world.after(SLOW_BOOT + 0.01)
        assert world.deadline == pytest.approx(1030, abs=0.01)

    def test_without_a_timeout_it_sleeps_for_good(self) -> None:
        world = World(POLICY.replaced(timeout=0, boot_timeout=0))
        world.step()
        world.ready(*world.pids())
        assert world.deadline is None

    @pytest.mark.parametrize(
        ("limit", "said"), [(30, "; boot_timeout ends that after 30 s."), (0, ".")]
    )
    def test_an_application_that_loads_slowly_is_told_of_once(self, limit: int, said: str) -> None:
        world = World(POLICY.replaced(boot_timeout=limit))
        world.step()
        assert lines(world.after(SLOW_BOOT - 0.1)) == []
        told = lines(world.after(0.2))
        assert told == [f"Still loading the application after 5 s (pid: 100, 101){said}"]
        assert lines(world.after(SLOW_BOOT)) == []

    def test_workers_that_were_forked_one_after_the_other_share_a_line(self) -> None:
        world = World(POLICY.replaced(workers=1))
        world.step()
        world.after(0.3)
        world.step(TTIN)
        told = lines(world.after(SLOW_BOOT))
        assert [line.partition("(")[2].partition(")")[0] for line in told] == ["pid: 100, 101"]

    def test_nothing_is_told_of_workers_that_are_ready_or_go(self) -> None:
        world = World()
        world.step()
        world.ready(100)
        assert "(pid: 101)" in lines(world.after(SLOW_BOOT + 0.1))[0]
        world = World()
        world.step(TERM)
        assert lines(world.after(SLOW_BOOT + 0.1)) == []
        assert world.deadline is None or world.deadline > world.now

    @pytest.mark.parametrize(
        ("code", "reason"), [(3, "Worker failed to boot."), (4, "App failed to load.")]
    )
    def test_a_worker_that_cannot_boot_ends_the_server(self, code: int, reason: str) -> None:
        world = World()
        world.step()
        ended = halt(world.dies(100, code))
        assert ended is not None
        assert (ended.status, ended.reason) == (code, reason)

    @pytest.mark.parametrize("code", [3, 4])
    def test_once_it_has_served_it_never_ends_for_a_failed_boot(self, code: int) -> None:
        world = World().started()
        replaced = world.dies(100, -KILL)
        assert spawns(replaced) == 1
        assert halt(world.dies(102, code)) is None

    def test_a_worker_killed_in_the_boot_is_replaced(self) -> None:
        world = World()
        world.step()
        after = world.dies(100, -KILL)
        assert spawns(after) == 1
        assert halt(after) is None

    def test_a_boot_that_takes_too_long_is_ended(self) -> None:
        world = World(POLICY.replaced(boot_timeout=5, timeout=30))
        world.step()
        world.ready(100)
        assert kills(world.after(5.5), ABRT) == [101]


class TestDeaths:
    @pytest.mark.parametrize(
        ("code", "said"),
        [
            (1, "Worker (pid:100) exited with code 1."),
            (255, "Worker (pid:100) exited with code 255."),
            (-signal.SIGKILL, "Worker (pid:100) was sent SIGKILL! Perhaps out of memory?"),
            (-signal.SIGSEGV, "Worker (pid:100) was sent SIGSEGV!"),
            (-signal.SIGTERM, "Worker (pid:100) was sent SIGTERM!"),
        ],
    )
    def test_a_worker_that_ends_is_replaced_and_its_end_is_told(self, code: int, said: str) -> None:
        world = World().started()
        actions = world.dies(100, code)
        assert lines(actions) == [said]
        assert any(isinstance(action, Gone) and action.pid == 100 for action in actions)
        assert spawns(actions) == 1

    def test_a_worker_that_ends_well_is_replaced_without_a_word(self) -> None:
        world = World().started()
        actions = world.dies(100, 0)
        assert lines(actions) == []
        assert spawns(actions) == 1

    def test_children_of_others_are_ignored(self) -> None:
        world = World().started()
        world.board[4242] = world.board[100]
        assert world.dies(4242, 1) == []

    def test_a_crash_loop_slows_down_and_recovers(self) -> None:
        world = World(POLICY.replaced(workers=1)).started()
        waits: list[float] = []
        for _ in range(12):
            (pid,) = world.board
            actions = world.dies(pid, 1)
            begun = world.now
            while not world.board:
                assert world.deadline is not None, "nothing would ever start the next one"
                actions = world.after(world.deadline - world.now)
            waits.append(world.now - begun)
            assert halt(actions) is None
        assert waits[0] == 0
        assert waits[2] < waits[4] < waits[6]
        assert max(waits) <= BACKOFF_LAST + 0.01
        world.ready()
        world.alive_after(5)
        assert spawns(world.dies(next(iter(world.board)), 1)) == 1

    def test_killing_an_old_worker_again_and_again_costs_no_wait(self) -> None:
        world = World().started()
        for _ in range(5):
            pid = min(world.board)
            assert spawns(world.dies(pid, -KILL)) == 1
            world.ready()
            world.alive_after(4)

    def test_a_fork_that_fails_is_tried_again_later(self) -> None:
        world = World().started()
        for _ in range(3):
            world.report(SpawnFailed())
        assert spawns(world.dies(100, -KILL)) == 0
        assert spawns(world.after(1)) == 1


class TestTimeouts:
    def test_silence_is_answered_by_abort_and_then_by_kill(self) -> None:
        world = World().started()
        world.after(29)
        world.beat(101)
        actions = world.after(1.5)
        assert kills(actions, ABRT) == [100]
        assert [action.pid for action in actions if isinstance(action, TimedOut)] == [100]
        assert kills(world.after(0.4), KILL) == []
        assert kills(world.after(0.7), KILL) == [100]

    def test_who_was_killed_by_the_master_is_told_so(self) -> None:
        world = World().started()
        world.beat(101)
        world.after(32)
        assert "Perhaps" not in "".join(lines(world.dies(100, -KILL)))

    def test_an_aborted_worker_is_replaced(self) -> None:
        world = World().started()
        world.after(29)
        world.beat(101)
        actions = world.after(1.5)
        assert kills(actions, ABRT) == [100]
        assert spawns(actions + world.dies(100, 1)) == 1

    def test_when_the_master_itself_was_stopped_nobody_is_blamed(self) -> None:
        world = World().started()
        world.now += 300
        assert kills(world.step()) == []
        world.beat()
        assert kills(world.after(20)) == []

    def test_a_retiring_worker_that_does_not_end_is_killed(self) -> None:
        world = World().started()
        assert kills(world.step(TTOU), TERM) == [100]
        # Its own limit is 10 s: it has a moment to cut off what is left.
        world.alive_after(10.2)
        assert kills(world.history, KILL) == []
        world.alive_after(0.5)
        assert kills(world.history, KILL) == [100]


class TestNumbers:
    def test_ttin_and_ttou(self) -> None:
        world = World().started()
        actions = world.step(TTIN)
        assert Resized(3, 2) in actions
        assert spawns(actions) == 1
        world.ready()
        actions = world.step(TTOU)
        assert Resized(2, 3) in actions
        assert kills(actions) == [100], "the oldest goes"

    def test_two_ttin_at_once_are_two(self) -> None:
        assert spawns(World().started().step(TTIN, TTIN)) == 2

    def test_one_worker_always_stays(self) -> None:
        world = World().started()
        world.step(TTOU, TTOU, TTOU)
        assert world.supervisor.target == 1

    def test_winch_stops_all_workers_and_hup_brings_them_back(self) -> None:
        world = World().started()
        assert sorted(kills(world.step(WINCH), TERM)) == [100, 101]
        world.dies(100, 0)
        assert spawns(world.dies(101, 0)) == 0
        assert spawns(world.step(HUP)) == 2


class TestRecycling:
    def test_the_replacement_comes_first(self) -> None:
        world = World(POLICY.replaced(workers=1)).started()
        world.board[100].wants_recycling = True
        actions = world.step()
        assert spawns(actions) == 1
        assert kills(actions) == []
        assert kills(world.ready(101), TERM) == [100]
        assert spawns(world.dies(100, 0)) == 0

    def test_never_more_than_a_share_at_once(self) -> None:
        world = World(POLICY.replaced(workers=8)).started()
        for page in world.board.values():
            page.wants_recycling = True
        assert spawns(world.step()) == 2
        for _ in range(20):
            serving = sum(member.phase == "ready" for member in world.supervisor.members.values())
            assert serving >= 8
            world.ready()
            for pid in kills(world.history, TERM):
                if pid in world.board:
                    world.dies(pid, 0)
        assert min(world.board) >= 108, "all eight were replaced"
        assert len(world.board) == 8

    def test_a_replacement_that_cannot_boot_costs_nothing(self) -> None:
        world = World(POLICY.replaced(workers=1)).started()
        world.board[100].wants_recycling = True
        world.step()
        world.dies(101, 3)
        world.alive_after(20)
        assert kills(world.history) == []
        assert 100 in world.board


class TestReload:
    def test_the_new_ones_are_ready_before_the_old_ones_go(self) -> None:
        world = World().started()
        actions = world.step(HUP)
        assert [type(action) for action in actions if isinstance(action, Reload)] == [Reload]
        assert len(world.pids(2)) == 2
        assert kills(actions) == []
        assert kills(world.ready(102)) == []
        actions = world.ready(103)
        assert sorted(kills(actions, TERM)) == [100, 101]
        assert ReloadDone() in actions

    @pytest.mark.parametrize("code", [0, 1, 3, 4, 255])
    def test_when_one_cannot_boot_the_old_ones_stay(self, code: int) -> None:
        world = World().started()
        world.step(HUP)
        world.ready(102)
        actions = world.dies(103, code)
        assert any(isinstance(action, ReloadFailed) for action in actions)
        assert kills(actions, TERM) == [102]
        world.dies(102, 0)
        world.alive_after(60)
        assert kills(world.history, TERM) == [102]
        assert sorted(world.board) == [100, 101]

    def test_after_a_failure_the_dead_are_replaced_again(self) -> None:
        world = World().started()
        world.step(HUP)
        world.dies(102, 3)
        world.dies(103, 3)
        assert spawns(world.dies(100, -KILL)) == 1
        assert world.pids(1)

    def test_a_new_one_killed_from_outside_is_given_another_chance(self) -> None:
        world = World().started()
        world.step(HUP)
        actions = world.dies(102, -KILL)
        assert not any(isinstance(action, ReloadFailed) for action in actions)
        assert spawns(actions) == 1
        assert ReloadDone() in world.ready()

    def test_a_new_one_that_hangs_fails_the_reload(self) -> None:
        world = World(POLICY.replaced(boot_timeout=5)).started()
        world.step(HUP)
        for _ in range(14):
            world.beat(100, 101)
            world.after(0.5)
        assert kills(world.history, KILL) == [102, 103]
        actions = world.dies(102, -KILL)
        assert any(isinstance(action, ReloadFailed) for action in actions)

    def test_one_that_hangs_is_not_replaced_meanwhile(self) -> None:
        world = World(POLICY.replaced(boot_timeout=5, timeout=2)).started()
        world.step(HUP)
        for _ in range(11):
            world.beat(100, 101)
            world.after(0.5)
        assert kills(world.history, ABRT) == [102, 103]
        assert world.pids(2) == [102, 103]

    def test_a_new_one_that_goes_again_is_not_judged_as_if_it_served(self) -> None:
        world = World(POLICY.replaced(boot_timeout=20, timeout=2)).started()
        world.step(HUP)
        world.dies(102, 3)
        for _ in range(10):
            world.beat(100, 101)
            world.after(0.5)
        assert kills(world.history, TERM) == [103]
        assert not kills(world.history, ABRT)

    def test_hup_during_a_reload_is_one_more_reload_after_it(self) -> None:
        world = World().started()
        world.step(HUP)
        assert not any(isinstance(action, Reload) for action in world.step(HUP, HUP))
        actions = world.ready()
        assert sum(isinstance(action, Reload) for action in actions) == 1
        assert len(world.pids(3)) == 2

    def test_two_hups_at_once_are_one_reload_and_one_after_it(self) -> None:
        world = World().started()
        assert sum(isinstance(action, Reload) for action in world.step(HUP, HUP)) == 1

    def test_a_refused_configuration_changes_nothing(self) -> None:
        world = World().started()
        world.reload_works = False
        actions = world.step(HUP)
        assert spawns(actions) == 0
        assert kills(actions) == []
        world.reload_works = True
        assert spawns(world.step(HUP)) == 2

    def test_the_number_of_workers_is_that_of_the_new_configuration(self) -> None:
        world = World().started()
        world.next_policy = POLICY.replaced(workers=3)
        assert spawns(world.step(HUP)) == 3


class TestStop:
    def test_term_lets_them_finish(self) -> None:
        world = World().started()
        actions = world.step(TERM)
        assert StopListening() in actions
        assert sorted(kills(actions, TERM)) == [100, 101]
        assert halt(world.dies(100, 0)) is None
        ended = halt(world.dies(101, 0))
        assert ended is not None
        assert ended.status == 0

    @pytest.mark.parametrize("number", [INT, QUIT])
    def test_int_and_quit_do_not(self, number: int) -> None:
        assert sorted(kills(World().started().step(number), QUIT)) == [100, 101]

    def test_who_takes_too_long_is_killed(self) -> None:
        world = World().started()
        world.step(TERM)
        world.alive_after(10.2)
        assert kills(world.history, KILL) == []
        world.alive_after(0.5)
        assert sorted(kills(world.history, KILL)) == [100, 101]

    def test_a_second_term_hastens_and_a_third_kills(self) -> None:
        world = World().started()
        world.step(TERM)
        world.alive_after(2)
        assert sorted(kills(world.step(TERM), QUIT)) == [100, 101]
        world.alive_after(2)
        assert sorted(kills(world.step(TERM), KILL)) == [100, 101]

    def test_int_hastens_at_once(self) -> None:
        world = World().started()
        world.step(TERM)
        assert sorted(kills(world.step(INT), QUIT)) == [100, 101]

    def test_the_same_signal_to_process_and_group_is_one(self) -> None:
        world = World().started()
        world.step(TERM, TERM)
        world.now += 0.2
        assert kills(world.step(TERM)) == []

    def test_nobody_is_started_any_more(self) -> None:
        world = World().started()
        world.step(TERM)
        assert spawns(world.dies(100, -KILL)) == 0
        assert spawns(world.step(HUP, TTIN, USR2)) == 0

    def test_without_workers_it_ends_at_once_and_says_so_once(self) -> None:
        world = World()
        assert halt(world.step(TERM)) is not None
        assert halt(world.step()) is None

    def test_a_worker_told_to_go_already_is_not_told_twice(self) -> None:
        world = World().started()
        world.step(TTOU)
        assert kills(world.step(TERM), TERM) == [101]


class TestOtherSignals:
    def test_usr1_reopens_the_logs_everywhere(self) -> None:
        actions = World().started().step(USR1)
        assert ReopenLogs() in actions
        assert sorted(kills(actions, USR1)) == [100, 101]

    def test_usr2(self) -> None:
        assert World().started().step(USR2) == [Reexec()]


HAPPENINGS = ("hup", "ttin", "ttou", "usr1", "kill", "crash", "boot", "recycle", "wait", "end")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(HAPPENINGS),
            st.integers(0, 7),
        ),
        max_size=40,
    )
)
def test_whatever_happens_it_comes_to_rest(happenings: list[tuple[str, int]]) -> None:
    """Without a stop, all wanted workers serve in the end, of one generation, and no more than those."""
    world = World().started()
    named = {"hup": HUP, "ttin": TTIN, "ttou": TTOU, "usr1": USR1}
    for what, which in happenings:
        pids = sorted(world.board)
        pid = pids[which % len(pids)] if pids else None
        if what in named:
            world.step(named[what])
        elif what == "wait":
            world.alive_after(which)
        elif pid is not None and what == "boot":
            world.ready(pid)
        elif pid is not None and what == "recycle":
            world.board[pid].wants_recycling = True
            world.step()
        elif pid is not None:
            world.dies(pid, {"kill": -KILL, "crash": 3, "end": 0}[what])
    assert halt(world.history) is None
    for _ in range(40):
        world.alive_after(1)
        world.ready()
        for leaving in [pid for pid in world.board if pid in kills(world.history, TERM)]:
            world.dies(leaving, 0)
    assert len(world.board) == world.supervisor.target
    members = world.supervisor.members.values()
    assert {member.phase for member in members} == {"ready"}
    assert {member.generation for member in members} == {world.supervisor.generation}


class TestRollingReload:
    def start(self, batch: float, workers: int = 4) -> World:
        world = World(POLICY.replaced(workers=workers, reload_batch=batch)).started()
        world.history.clear()
        return world

    @pytest.mark.parametrize(("batch", "size"), [(1, 1), (2, 2), (0.5, 2), (0.1, 1), (9, 4), (0, 4)])
    def test_so_many_at_a_time_and_never_fewer_than_wanted(self, batch: float, size: int) -> None:
        world = self.start(batch)
        actions = world.step(HUP)
        assert spawns(actions) == size
        for _ in range(8):
            new = world.pids(2)
            for pid in new:
                actions = world.ready(pid)
            serving = [pid for pid, member in world.supervisor.members.items() if member.phase == "ready"]
            assert len(serving) >= 4
            assert len(world.board) <= 4 + 2 * size
            for pid in set(kills(world.history, TERM)) & set(world.board):
                world.dies(pid, 0)
        assert sorted(world.pids()) == sorted(world.pids(2))
        assert len(world.pids(2)) == 4
        assert ReloadDone() in world.history

    def test_a_first_batch_that_fails_changes_nothing(self) -> None:
        world = self.start(1)
        world.step(HUP)
        (new,) = world.pids(2)
        assert ReloadFailed(f"worker (pid:{new}) failed to boot") in world.dies(new, 3)
        world.alive_after(30)
        assert kills(world.history) == []
        assert len(world.pids(1)) == 4

    def test_a_later_failure_stops_half_way(self) -> None:
        world = self.start(1)
        world.step(HUP)
        (first,) = world.pids(2)
        retired = kills(world.ready(first), TERM)
        assert len(retired) == 1
        assert len(world.pids(2)) == 1, "the next one waits until the memory of the retired one is free"
        world.dies(retired[0], 0)
        (second,) = set(world.pids(2)) - {first}
        actions = world.dies(second, 3)
        assert ReloadFailed(f"worker (pid:{second}) failed to boot", True) in actions
        world.history.clear()
        world.alive_after(30)
        assert kills(world.history) == []
        assert len(world.board) == 4
        # Who dies now is replaced by one of the new code.
        old = min(world.board)
        assert spawns(world.dies(old, -KILL)) == 1

    def test_an_old_one_that_dies_meanwhile_is_made_up_for(self) -> None:
        world = self.start(1)
        world.step(HUP)
        old = min(world.board)
        assert spawns(world.dies(old, -KILL)) == 1
        assert len(world.pids(2)) == 2


class TestLimits:
    def test_a_request_over_its_limit_ends_a_worker_that_cannot_break_it_off(self) -> None:
        world = World(POLICY.replaced(request_timeout=2, breaks_requests=False)).started()
        world.board[100].started = world.now
        assert kills(world.after(1.9)) == []
        actions = world.after(0.2)
        assert kills(actions, ABRT) == [100]
        assert [action.limit for action in actions if isinstance(action, TimedOut)] == ["request_timeout"]
        assert "killed by the timeout" in lines(world.dies(100, 1))[0]

    def test_it_looks_in_time_though_no_request_was_running(self) -> None:
        world = World(POLICY.replaced(request_timeout=2, breaks_requests=False)).started()
        world.step()
        world.board[100].started = world.now + 0.1
        assert kills(world.after(4.5), ABRT) == [100]

    def test_one_of_another_type_than_the_configured_one_says_that_it_breaks_requests_off(self) -> None:
        world = World(POLICY.replaced(request_timeout=2, breaks_requests=False)).started()
        world.board[100].breaks_requests = True
        for pid in (100, 101):
            world.board[pid].started = world.now
        world.alive_after(2.5)
        assert kills(world.history, ABRT) == [101]

    def test_other_types_are_ended_only_when_they_do_not_even_beat(self) -> None:
        world = World(POLICY.replaced(request_timeout=2, breaks_requests=True)).started()
        world.board[100].started = world.now
        world.alive_after(20)
        assert kills(world.history) == []
        world.beat()
        world.board[100].started = world.now
        world.beat(101)
        assert kills(world.after(3.5), ABRT) == [100]

    def test_lifetime_replaces_first(self) -> None:
        world = World(POLICY.replaced(workers=1, lifetime=60)).started()
        world.alive_after(50)
        assert spawns(world.history) == 1
        world.alive_after(10)
        assert spawns(world.history) == 2
        assert kills(world.history) == []
        assert kills(world.ready(101), TERM) == [100]
        assert "lifetime" in "".join(lines(world.history))

    @pytest.mark.parametrize(("used", "looks"), [(101, 3), (150, 3), (151, 1), (250, 1), (1000, 1)])
    def test_memory_well_past_the_limit_is_acted_on_at_once(self, used: int, looks: int) -> None:
        """A worker that leaks fast has no time for three looks."""
        world = World(POLICY.replaced(memory=100 << 20)).started()
        for look in range(looks):
            assert spawns(world.step()) == 0, look
            world.report(Measured(100, used << 20))
        assert spawns(world.step()) == 1
        # Told once, and replaced once.
        world.report(Measured(100, used << 20))
        actions = world.step()
        assert (spawns(actions), lines(actions)) == (0, [])
        assert kills(world.ready(102), TERM) == [100]

    def test_memory_soft_and_hard(self) -> None:
        world = World(POLICY.replaced(memory=100 << 20, memory_hard=1000 << 20)).started()
        for used in (140, 50, 140, 140):
            world.report(Measured(100, used << 20))
        assert spawns(world.step()) == 0
        world.report(Measured(100, 140 << 20))
        actions = world.step()
        assert spawns(actions) == 1
        assert kills(actions) == []
        assert "has 140 MiB of memory, the limit is 100 MiB" in lines(actions)[0]
        assert kills(world.ready(102), TERM) == [100]
        world.report(Measured(101, 2000 << 20))
        actions = world.step()
        assert kills(actions, TERM) == [101]
        assert spawns(actions) == 1


class TestDelayedStop:
    def test_it_serves_on_for_the_delay(self) -> None:
        world = World(POLICY.replaced(shutdown_delay=5)).started()
        actions = world.step(TERM)
        assert Leaving() in actions
        assert kills(actions) == []
        assert StopListening() not in actions
        assert spawns(world.dies(100, -KILL)) == 1
        world.ready()
        world.alive_after(3)
        assert kills(world.history) == []
        world.alive_after(3)
        assert sorted(kills(world.history, TERM)) == [101, 102]
        assert StopListening() in world.history

    @pytest.mark.parametrize(("second", "sent"), [(TERM, TERM), (INT, QUIT), (signal.SIGQUIT, QUIT)])
    def test_a_second_signal_ends_the_delay(self, second: int, sent: int) -> None:
        world = World(POLICY.replaced(shutdown_delay=50)).started()
        world.step(TERM)
        world.alive_after(1)
        assert sorted(kills(world.step(second), sent)) == [100, 101]

    def test_int_does_not_wait(self) -> None:
        world = World(POLICY.replaced(shutdown_delay=50)).started()
        assert sorted(kills(world.step(INT), QUIT)) == [100, 101]


class TestHealth:
    def test_well_means_that_somebody_serves_and_beats(self) -> None:
        world = World()
        world.step()
        assert not world.supervisor.is_well(world.now, world.board)
        world.ready()
        assert world.supervisor.is_well(world.now, world.board)
        assert not world.supervisor.is_well(world.now + 31, world.board)
        world.now += 31
        world.beat(101)
        assert world.supervisor.is_well(world.now, world.board)
