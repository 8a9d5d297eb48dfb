"""Which notebook takes its turn when."""

from analysis.runs.batch import most_awaited_first


def test_what_others_wait_for_longest_goes_first_and_the_rest_as_it_is_read() -> None:
    waits: dict[str, tuple[str, ...]] = {
        "data_health": (),
        "tiers": (),
        "churn": (),
        "strategies": ("churn",),
        "send_plan": ("churn",),
        "brief": ("data_health", "tiers", "churn", "strategies", "send_plan"),
    }
    assert list(most_awaited_first(waits)) == ["churn", "data_health", "tiers", "strategies", "send_plan", "brief"]
    assert most_awaited_first(waits) == waits


def test_without_waiting_the_order_is_that_of_the_book() -> None:
    assert list(most_awaited_first({"b": (), "a": ()})) == ["b", "a"]
