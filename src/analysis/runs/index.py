"""The list of all runs of all books, newest first: one page, made from the manifests."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Final

from analysis.runs.store import PublishedRun, published_runs, write_atomic

__all__ = ["write_index"]

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c1d21;--mute:#62646c;--rule:#dcdde1;--paper:#fff;--accent:#1f4fa8;--warn:#a34a00}
@media (prefers-color-scheme:dark){:root{
--ink:#e8e8ea;--mute:#a2a4ad;--rule:#3a3b41;--paper:#16171a;--accent:#8db4ff;--warn:#ffa45c}}
body{margin:0 auto;max-width:1080px;padding:24px 16px;background:var(--paper);color:var(--ink);
font:17px/1.7 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','WenQuanYi Zen Hei',sans-serif}
h1{font-size:24px;line-height:1.3}h2{font-size:19px;margin:32px 0 4px}a{color:var(--accent)}
p{color:var(--mute);margin:0 0 8px}.frame{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:8px 12px 8px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;font-size:14px;color:var(--mute)}.failed{color:var(--warn);font-weight:600}
@media print{a{color:inherit;text-decoration:none}}
"""


def write_index(reports: Path) -> None:
    """Write ``index.html`` of all runs, whole or not at all.

    Args:
        reports: Folder of all books' runs.
    """
    with _one_at_a_time(reports):
        write_atomic(reports / "index.html", _page(published_runs(reports)[::-1]))


@contextmanager
def _one_at_a_time(reports: Path) -> Iterator[None]:
    handle = os.open(reports / ".index.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _page(runs: list[PublishedRun]) -> str:
    rows = "".join(_row(run) for run in runs)
    head = "".join(
        f'<th scope="col">{text}</th>'
        for text in ("报告 Report", "数据截至 Data up to", "状态 Status", "运行 Run", "完成 Ended")
    )
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>全部报告 All reports</title><style>{_STYLE}</style></head><body>"
        '<h1>全部报告 <span lang="en">All reports</span></h1>'
        '<p>最新的在最上面。<span lang="en">Newest first.</span></p>'
        f'<div class="frame"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></body></html>\n'
    )


def _row(run: PublishedRun) -> str:
    manifest = run.manifest
    place = f"{run.folder.parent.name}/{run.folder.name}/index.html"
    title = manifest.get("title", {})
    name = f'{escape(str(title.get("zh", "")))} <span lang="en">{escape(str(title.get("en", "")))}</span>'
    failed = [notebook for notebook, entry in manifest.get("notebooks", {}).items() if entry.get("status") != "good"]
    status = "完成 good" if run.good else f'<span class="failed">■ 失败 failed: {escape(", ".join(failed))}</span>'
    ended = str(manifest["times"]["ended_at"])[:16].replace("T", " ")
    return (
        f'<tr><td><a href="{escape(place)}">{escape(run.folder.parent.name)}</a> · {name}</td>'
        f"<td>{escape(manifest['as_of'])}</td><td>{status}</td><td>{escape(run.run_id)}</td><td>{escape(ended)}</td></tr>"
    )
