"""Measure siyu against what users would pick instead; `make bench` runs this. See README.md beside it."""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import btyd
import churn_model
import customer_summary
import demo_book
import feature_table
import notebook_overhead
import qini
import send_plan
import simulator
import weekly_book
from measure import Cost, cheapest, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
CACHE = ROOT / ".cache" / "bench"
CUSTOMERS = {"small": 50_000, "full": 1_000_000}
DEMO_CUSTOMERS = {"small": 2_000, "full": 20_000}
BTYD_CUSTOMERS = {
    "small": {"bg_nbd_fit": 50_000, "pareto_nbd_fit": 10_000, "gamma_gamma_fit": 50_000, "forecast": 50_000},
    "full": {"bg_nbd_fit": 1_000_000, "pareto_nbd_fit": 100_000, "gamma_gamma_fit": 1_000_000, "forecast": 1_000_000},
}
NAMES = (
    "customer_summary",
    "feature_table",
    "btyd",
    "churn_model",
    "send_plan",
    "demo_book",
    "notebook_overhead",
    "simulator",
    "qini",
    "weekly_book",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=CUSTOMERS, default="small", help="small: 50,000 customers; full: 1,000,000")
    parser.add_argument("--only", choices=NAMES, action="append", help="run only this one; repeatable")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each way; the cheapest counts")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in options.only or NAMES:
        print(f"{name} ({options.size}) …", flush=True)
        setting = _setting()
        measured = globals()[f"_{name}"](options.size, options.repeats)
        result = {"size": options.size, **setting, **measured}
        path = RESULTS / f"{name}-{options.size}.json"
        path.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(_lines(measured), flush=True)
    (RESULTS / "README.md").write_text(_tables(), encoding="utf-8")


def _customer_summary(size: str, repeats: int) -> dict[str, Any]:
    folder = _shop(size)
    plain = folder.parent / f"{folder.name}-orders"  # the peers know no refunds: the same file, and nothing beside it
    plain.mkdir(exist_ok=True)
    if not (plain / "orders.parquet").exists():
        (plain / "orders.parquet").symlink_to(folder / "orders.parquet")
    return _ways(customer_summary.WAYS, HERE / "customer_summary.py", plain, repeats=repeats, rounding=0.5)


def _feature_table(size: str, repeats: int) -> dict[str, Any]:
    return _ways(feature_table.WAYS, HERE / "feature_table.py", _shop(size), repeats=repeats, rounding=1.0)


def _btyd(size: str, repeats: int) -> dict[str, Any]:
    """Run each work by each way, check that they agree, and set the CPU of the work alone against ours."""
    ways: dict[str, Any] = {}
    for work, customers in BTYD_CUSTOMERS[size].items():
        table = CACHE / f"btyd-{customers}.parquet"
        if not table.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            run([sys.executable, HERE / "btyd.py", "make", str(customers), table])
        costs = {}
        for way, where in btyd.WAYS.items():
            python = Path(sys.executable) if where == "ours" else _peers()
            runs = [run([python, HERE / "btyd.py", way, work, table]) for _ in range(repeats)]
            costs[way] = min(runs, key=lambda cost: cost.answer["work_cpu_seconds"])
        ours = costs["siyu"].answer
        for way, cost in costs.items():
            if apart := btyd.disagreement(work, ours, cost.answer):
                raise SystemExit(f"{work} by siyu and {way} differ, {apart}: {ours} {cost.answer}")
            seconds = cost.answer["work_cpu_seconds"]
            ways[f"{work}, {way}"] = {
                "customers": customers,
                "cpu_seconds": round(seconds, 3),
                "times_siyu": round(seconds / ours["work_cpu_seconds"], 1),
                "aim": btyd.AIMS[work] if size == "full" else "",
                "log_likelihood": round(cost.answer.get("log_likelihood", 0.0), 3) or "",
                "process_cpu_seconds": round(cost.cpu_seconds, 3),
                "peak_mb": round(cost.peak_mb, 3),
                "answer": cost.answer,
            }
    return {"ways": ways}


def _churn_model(size: str, repeats: int) -> dict[str, Any]:
    """Fit and score in each way; probabilities differ by design: what each ranking is worth stands beside its cost."""
    customers = CUSTOMERS[size]
    path = CACHE / f"churn-{customers}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        churn_model.write_customers(path, customers=customers)
    ways: dict[str, dict[str, Any]] = {}
    for way, where in churn_model.WAYS.items():
        python = Path(sys.executable) if where == "ours" else _peers()
        # one thread each: OpenMP's threads burn CPU while they wait, on busy cores several times what they work
        command = [python, HERE / "churn_model.py", way, path]
        cost = cheapest(command, repeats=min(repeats, 2), env={"OMP_NUM_THREADS": "1"})
        ways[way] = {**cost.answer, "process_cpu_seconds": round(cost.cpu_seconds, 2), "peak_mb": round(cost.peak_mb)}
        ours = ways["siyu"]["fit_and_score_cpu"]
        ways[way]["times_siyu"] = round(ways[way]["fit_and_score_cpu"] / ours, 2)
    return {"customers": customers, "aim_cpu_seconds": 8, "ways": ways}


def _simulator(size: str, repeats: int) -> dict[str, Any]:
    """Customer-days a second of every way, in the same run, and how time grows with customers and replicates."""
    script, ways = HERE / "simulator.py", {}
    rates: dict[tuple[str, str], float] = {}
    for trigger in simulator.TRIGGERS:
        for way, where in simulator.WAYS.items():
            if trigger == "state" and where == "peers":
                continue  # their shorter story knows one trigger
            python = Path(sys.executable) if where == "ours" else _peers()
            customers, replicates = simulator.SIZES[size][way]
            counts = [str(customers), str(customers // 10)] if way == "siyu" else [str(customers)]
            runs = []
            for count in counts:
                options = ["--customers", count, "--replicates", str(replicates)]
                runs.append(cheapest([python, script, way, trigger, *options], repeats=min(repeats, 2), cwd=ROOT))
            answer = runs[0].answer
            rates[trigger, way] = answer["customer_days_per_cpu_second"]
            seconds = [run.answer["work_cpu_seconds"] for run in runs]
            ways[f"{trigger}, {way}"] = {
                "customers": customers,
                "replicates": replicates,
                "cpu_seconds": round(seconds[0], 2),
                "million_customer_days_a_second": round(rates[trigger, way] / 1e6, 2),
                "siyu_is_times_faster": round(rates[trigger, "siyu"] / rates[trigger, way], 1),
                "time_for_10_times_the_customers": round(seconds[0] / seconds[1], 1) if way == "siyu" else "",
                "peak_mb": round(answer["peak_mb"], 1),
                "answer": answer,
            }
    return {"ways": ways}


def _qini(size: str, repeats: int) -> dict[str, Any]:
    """Cost of a bootstrap draw by every way; all must give the same Qini, and draws that spread alike."""
    n, ways = qini.CUSTOMERS[size], {}
    for way, where in qini.WAYS.items():
        python = Path(sys.executable) if where == "ours" else _peers()
        runs = [run([python, HERE / "qini.py", way, str(n)]) for _ in range(repeats)]
        answer = min((cost.answer for cost in runs), key=lambda found: found["ms_per_draw"])
        ours = ways["siyu"] if ways else answer
        if abs(answer["qini"] - ours["qini"]) > 1e-8 or not 0.6 < answer["spread"] / ours["spread"] < 1.7:
            raise SystemExit(f"{way} and siyu differ: {answer} {ours}")
        ways[way] = {**answer, "times_siyu": round(answer["ms_per_draw"] / ours["ms_per_draw"], 1)}
    return {"customers": n, "aim_times": qini.AIM, "ways": ways}


def _demo_book(size: str, repeats: int) -> dict[str, Any]:
    customers = DEMO_CUSTOMERS[size]
    siyu = ROOT / ".venv" / "bin" / "siyu"
    runs = [demo_book.measure_demo_book(root=ROOT, siyu=siyu, customers=customers) for _ in range(min(repeats, 2))]
    best = min(runs, key=lambda costs: costs["first_run"].cpu_seconds)
    costs = {name: {**cost.as_dict(), "answer": None} for name, cost in best.items()}
    costs["two_jobs"]["times_one_job"] = round(best["one_job"].wall_seconds / best["two_jobs"].wall_seconds, 2)
    return {"customers": customers, "aim_cpu_seconds": demo_book.AIM_CPU_SECONDS, "ways": costs}


def _weekly_book(size: str, _repeats: int) -> dict[str, Any]:
    siyu = ROOT / ".venv" / "bin" / "siyu"

    def measured(customers: int, *, jobs: int) -> dict[str, Any]:
        brand = CACHE / f"coffee-{customers}"
        weekly_book.write_brand(brand, siyu=siyu, customers=customers)
        return {"customers": customers, **weekly_book.measure_weekly_book(brand, root=ROOT, siyu=siyu, jobs=jobs)}

    measured(weekly_book.SMALL_CUSTOMERS, jobs=2)
    aims = {"aim_cpu_seconds": weekly_book.AIM_CPU_SECONDS, "aim_peak_mb": weekly_book.AIM_PEAK_MB}
    ways = {f"weekly_book_jobs_{jobs}": measured(CUSTOMERS[size], jobs=jobs) for jobs in (1, 2)}
    return {"customers": CUSTOMERS[size], **aims, "ways": ways}


def _send_plan(size: str, repeats: int) -> dict[str, Any]:
    """Compile one large plan, and solve small ones by prices and by HiGHS, in one run."""
    script, instances = HERE / "send_plan.py", {"small": "5", "full": "20"}[size]
    compiled = cheapest([sys.executable, script, "large", str(CUSTOMERS[size])], repeats=min(repeats, 2))
    solved = {way: cheapest([sys.executable, script, way, instances], repeats=1) for way in ("prices", "highs")}
    lost = sorted(1 - a / b for a, b in zip(*(solved[way].answer.pop("worth") for way in solved), strict=True))
    ways = {
        "compiler": compiled,
        **{f"{way}_{instances}x{send_plan.CUSTOMERS_OF_SMALL}": solved[way] for way in solved},
    }
    rows = {way: {**cost.as_dict(), **cost.answer} for way, cost in ways.items()}
    prices = next(way for way in rows if way.startswith("prices"))
    rows[prices] |= {"median_loss": round(lost[len(lost) // 2], 5), "worst_loss": round(lost[-1], 5)}
    aims = {
        "aim_cpu_seconds": send_plan.AIM_CPU_SECONDS,
        "aim_peak_mb": send_plan.AIM_PEAK_MB,
        "aim_gap": send_plan.AIM_GAP,
    }
    return {**aims, "ways": rows}


def _notebook_overhead(_size: str, repeats: int) -> dict[str, Any]:
    binaries = ROOT / ".venv" / "bin"
    return {"ways": notebook_overhead.measure_overhead(binaries=binaries, repeats=repeats)}


def _ways(ways: dict[str, str], script: Path, folder: Path, *, repeats: int, rounding: float) -> dict[str, Any]:
    """Run each way in its environment, check that all give the same answer, and set them against ours."""
    costs: dict[str, Cost] = {}
    for way, where in ways.items():
        python = Path(sys.executable) if where == "ours" else _peers()
        costs[way] = cheapest([python, script, way, folder], repeats=repeats)
    ours = costs["siyu"]
    for way, cost in costs.items():
        apart = {name for name, value in cost.answer.items() if abs(value - ours.answer[name]) > rounding}
        if apart:
            raise SystemExit(f"{way} and siyu differ in {sorted(apart)}: {cost.answer} {ours.answer}")
    ratios = {way: round(cost.cpu_seconds / ours.cpu_seconds, 2) for way, cost in costs.items()}
    return {"ways": {way: {**cost.as_dict(), "times_siyu": ratios[way]} for way, cost in costs.items()}}


def _shop(size: str) -> Path:
    folder = CACHE / f"shop-{size}"
    if not (folder / "contacts.parquet").exists():
        # in a process of its own: a child's peak memory counts its parent's at the fork
        run([sys.executable, HERE / "shop.py", folder, "--customers", str(CUSTOMERS[size])])
    return folder


def _peers() -> Path:
    """Return the Python of the peers' environment, made on first use."""
    venv = CACHE / "venv"
    python = venv / "bin" / "python"
    ready = venv / ".ready"
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        print("making the peers' environment …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", HERE / "requirements.txt"]
        subprocess.run([python, *install], check=True)
        ready.write_text(wanted, encoding="utf-8")
    return python


def _setting() -> dict[str, Any]:
    """Return what a reader must know to compare: cores and versions, and nothing that names the machine."""
    bounds = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = ("duckdb", "narwhals", "numpy", "pandas", "pyarrow", "papermill", "nbconvert")
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {bounds["name"]: bounds["version"], **{name: importlib.metadata.version(name) for name in names}},
    }


def _lines(measured: dict[str, Any]) -> str:
    return "\n".join(f"  {way:16} {_short(cost)}" for way, cost in measured["ways"].items())


def _short(cost: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in cost.items() if name != "answer")


def _tables() -> str:
    """Return all kept results as Markdown."""
    parts = ["# Results", "", "Written by `make bench`; how to read it: `../README.md`.", ""]
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        ways = {way: {k: v for k, v in cost.items() if k != "answer"} for way, cost in result["ways"].items()}
        columns = list(dict.fromkeys(name for cost in ways.values() for name in cost))
        parts += [f"## {path.stem}", ""]
        parts += [f"{result['cores']} cores, load {result['load_before']} when it started.", ""]
        parts += ["| | " + " | ".join(c.replace("_", " ") for c in columns) + " |", "|---|" + "---:|" * len(columns)]
        parts += [
            f"| {way} | " + " | ".join(f"{cost.get(c, '')}" for c in columns) + " |" for way, cost in ways.items()
        ]
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
