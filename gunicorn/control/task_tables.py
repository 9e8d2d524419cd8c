"""Task processes as people read them: what `show dirty` has answered."""

from __future__ import annotations

from .lines import number, printable, rows_of, table_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Data = Mapping[str, object]

__all__ = ["task_text"]


def task_text(data: Data) -> str:
    """All of it, each part with its head."""
    if not data.get("enabled"):
        return "Dirty arbiter not running"
    lines = [_head(data), "", *_processes(data), "", *_apps(data)]
    if rows_of(data.get("calls")):
        lines += ["", *_calls(data)]
    return "\n".join([*lines, "", _stash(data)])


def _head(data: Data) -> str:
    leader = f"led by process {data['pid']}" if data.get("pid") else "whose master is being started again"
    restarts = data.get("restarts")
    causes = [f"{cause} {count}" for cause, count in restarts.items()] if isinstance(restarts, dict) else []
    ended = f", ended: {', '.join(causes)}" if causes else ""
    return f"{data.get('count')} of {data.get('target')} task processes, {leader}{ended}"


def _processes(data: Data) -> list[str]:
    cells = [
        (row.get("pid"), row.get("age"), row.get("state"), row.get("running"), row.get("calls"), row.get("errors"),
         _mebibytes(row.get("memory")), printable(", ".join(map(str, _list(row.get("apps"))))))
        for row in rows_of(data.get("workers"))
    ]
    head = ("PID", "AGE", "STATE", "RUN", "CALLS", "ERRORS", "MEMORY", "APPS")
    return table_lines((10, 6, 9, 5, 8, 7, 8), 60, head, cells)


def _apps(data: Data) -> list[str]:
    cells = []
    for row in rows_of(data.get("apps")):
        results = row.get("results")
        counts = results if isinstance(results, dict) else {}
        others = [f"{name} {count}" for name, count in counts.items() if count and name != "ok"]
        processes = f"{row.get('current_workers')}/{row.get('worker_count') or data.get('target')}"
        cells.append((
            printable(str(row.get("import_path"))), processes, row.get("running"), row.get("waiting"),
            row.get("calls"), ", ".join(others) or "-",
        ))
    return table_lines((30, 10, 5, 8, 8), 70, ("APP", "PROCESSES", "RUN", "WAITING", "CALLS", "NOT OK"), cells)


def _calls(data: Data) -> list[str]:
    cells = [
        (row.get("pid"), f"{row.get('age')}s", printable(str(row.get("request_id") or "-")),
         printable(str(row.get("call"))))
        for row in rows_of(data.get("calls"))
    ]
    return table_lines((10, 10, 36), 70, ("PID", "SINCE", "REQUEST ID", "CALL"), cells)


def _stash(data: Data) -> str:
    found = data.get("stash")
    stash = found if isinstance(found, dict) else {}
    return (
        f"Stash: {stash.get('tables')} tables, {stash.get('entries')} entries, "
        f"{number(stash.get('bytes')) / 1048576:.1f} of {number(stash.get('limit')) / 1048576:.0f} MiB"
    )


def _mebibytes(octets: object) -> str:
    return "-" if octets is None else f"{number(octets) / 1048576:.0f} MiB"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
