"""The same book, data and predecessor give the same bytes wherever and however they run."""

import json

GOOD = 'wb.results({"n_customers": Estimate(300, "customers")})'


def test_the_same_bytes_with_one_job_or_two_in_another_folder_and_zone(tmp_path, build_project, tree, monkeypatch):
    trees = []
    for place, zone, jobs in (("here", "Asia/Tokyo", 1), ("there/deeper", "America/New_York", 2)):
        monkeypatch.setenv("TZ", zone)
        project = build_project(tmp_path / place)
        project.notebook("alpha", GOOD, "print({'a', 'b', 'c'}, horizon)")
        outcome = project.run(project.book("alpha", "brief"), jobs=jobs)
        trees.append({name: content for name, (_, content) in tree(outcome.folder).items()})
    for files in trees:
        manifest = json.loads(files.pop("manifest.json"))
        del manifest["times"]
        files["manifest"] = json.dumps(manifest).encode()
    assert sorted(trees[0]) == sorted(trees[1])
    assert [name for name in trees[0] if trees[0][name] != trees[1][name]] == []
