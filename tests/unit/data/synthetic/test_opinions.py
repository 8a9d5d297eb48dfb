from collections.abc import Callable

import pandas as pd

Read = Callable[[str], pd.DataFrame]


def test_three_tags_inform_and_forty_do_not(beauty: Read) -> None:
    truth = beauty("truth/tags")
    assert truth.informs.notna().sum() == 3
    assert truth.informs.isna().sum() == 40
    tags, customers = beauty("tags"), beauty("truth/customers").set_index("customer_id")
    dogs = customers.is_sleeping_dog
    warned = truth.tag[truth.informs == "is_sleeping_dog"].iloc[0]
    assert dogs.loc[tags.customer_id[tags.tag == warned]].mean() > 2.5 * dogs.mean()
    assert abs(dogs.loc[tags.customer_id[tags.tag == "标签01"]].mean() - dogs.mean()) < 0.08


def test_answers_tell_the_planted_constraint_mostly_and_hold_characters_that_must_stay_text(beauty: Read) -> None:
    surveys = beauty("surveys")
    reasons = surveys[surveys.question == "最近没来的主要原因"]
    constraint = beauty("truth/customers").set_index("customer_id").constraint.loc[reasons.customer_id]
    dear = (reasons.answer == "价格偏高").to_numpy()
    assert (constraint[dear] == "ability").mean() > 0.6
    assert (surveys.answer == "<script>alert(1)</script>").any()
