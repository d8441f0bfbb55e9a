import json

import yaml

from clusters.kube import rights


def test_manifests_grant_what_is_needed_and_nothing_else() -> None:
    namespace, account, role, binding = yaml.safe_load_all(rights.manifests())
    assert namespace["metadata"]["name"] == account["metadata"]["namespace"] == "paddock-system"
    granted = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    needed = {(right.group, right.resource, verb) for right in rights.READ for verb in right.verbs}
    assert granted == needed
    assert {verb for _, _, verb in granted} <= {"get", "list", "watch"}
    assert not any(resource in ("secrets", "*") for _, resource, _ in granted)
    assert not any(group == "*" for group, _, _ in granted)
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "paddock"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": "paddock-system"}
    ]
    assert "secret" not in rights.manifests().lower()


def test_an_access_review_asks_for_one_right() -> None:
    review = json.loads(rights.access_review(rights.Right("apps", "deployments", ("list",)), "list"))
    assert review["kind"] == "SelfSubjectAccessReview"
    assert review["spec"] == {"resourceAttributes": {"group": "apps", "resource": "deployments", "verb": "list"}}
