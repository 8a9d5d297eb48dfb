from pathlib import Path

import pytest

from analysis.data.channels import channel_table, load_channels
from analysis.errors import BookError

REGISTRY = Path(__file__).parents[3] / "params" / "channels.yaml"

NEW = """
  - name: live_room
    label: {zh: 直播间, en: live room}
    read_rate: {mean: 0.2, strength: 10, source: "assumption"}
    cost: 0.01
    staff_minutes: 0.0
    needs_contact: false
    needs_staff: false
"""


def test_the_trades_channels_are_there_with_sourced_claims_of_grade_d():
    channels = load_channels(REGISTRY).channels
    names = {channel.name for channel in channels}
    assert {"private_chat", "group", "moments", "official_account", "mini_program", "sms", "call"} <= names
    assert all(channel.read_rate.grade == "D" and channel.read_rate.source for channel in channels)


def test_a_new_channel_is_one_entry_and_no_code(tmp_path, load_files):
    path = tmp_path / "channels.yaml"
    path.write_text(REGISTRY.read_text(encoding="utf-8").rstrip() + NEW, encoding="utf-8")
    table = channel_table(load_channels(path)).set_index("channel")
    assert table.loc["live_room", "channel_zh"] == "直播间"
    touches = "customer_id,campaign_id,channel,assigned_at\nc1,k,live_room,2026-06-01\n"
    assert load_files({"touches.csv": touches}).tables[0].used == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("cost: -1", "cost"), ("reach: 5", "reach"), ("name: sms", "named twice"), ("name: 直播", "name")],
)
def test_a_wrong_entry_is_refused(tmp_path, wrong, said):
    key = wrong.split(":")[0]
    lines = [f"    {wrong}" if line.strip().startswith(f"{key}:") else line for line in NEW.splitlines()]
    if key == "name":
        lines = [f"  - {wrong}" if "- name" in line else line for line in NEW.splitlines()]
    if key == "reach":
        lines.append(f"    {wrong}")
    path = tmp_path / "channels.yaml"
    path.write_text(REGISTRY.read_text(encoding="utf-8").rstrip() + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(BookError, match=said):
        load_channels(path)
