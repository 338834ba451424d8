"""The rules of the estate's security groups: read, written down, compared and shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from show import coloured

OURS, FOREIGN = "sgbind", "foreign"


@dataclass(frozen=True)
class Rule:
    group: str
    direction: str
    protocol: str
    ports: str
    peer: str
    owner: str

    def row(self) -> str:
        arrow = "←" if self.direction == "in" else "→"
        return f"{self.direction:<4} {self.protocol:<4} {self.ports:<6} {arrow} {self.peer:<14} {self.owner}"


    def order(self) -> tuple[str, str, int, str]:
        first = self.ports.split("-")[0]
        return self.direction, self.protocol, int(first) if first.isdigit() else -1, self.peer


def written(text: str) -> set[Rule]:
    """Rules as the demo writes them down: one a line, in the order of Rule's fields."""
    return {Rule(*row.split()) for row in text.strip().splitlines()}


def read(ec2: Any, names: dict[str, str], tag: str, identity: str) -> dict[Rule, str]:
    """Every rule of the groups, with its id. `names` maps group ids to names."""
    filters = [{"Name": "group-id", "Values": list(names)}]
    pages = ec2.get_paginator("describe_security_group_rules").paginate(Filters=filters)
    found = {}
    for rule in (rule for page in pages for rule in page["SecurityGroupRules"]):
        tags = {each["Key"]: each["Value"] for each in rule.get("Tags", [])}
        owner = FOREIGN if tag not in tags else OURS if tags[tag] == identity else f"other:{tags[tag]}"
        peer = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or \
            rule["ReferencedGroupInfo"]["GroupId"]
        whole = rule["IpProtocol"] == "-1"
        first, last = rule["FromPort"], rule["ToPort"]
        found[Rule(
            group=names[rule["GroupId"]],
            direction="out" if rule["IsEgress"] else "in",
            protocol="all" if whole else rule["IpProtocol"],
            ports="all" if whole else str(first) if first == last else f"{first}-{last}",
            peer=names.get(peer, peer),
            owner=owner,
        )] = rule["SecurityGroupRuleId"]
    return found


def table(rules: set[Rule], groups: dict[str, str]) -> None:
    """All rules, group by group. `groups` says what each group is for, in the order in which they are shown."""
    for group, purpose in groups.items():
        print(f"  {coloured(group, 'bold')}  {coloured(purpose, 'dim')}")
        own = sorted((rule for rule in rules if rule.group == group), key=Rule.order)
        for rule in own:
            print(coloured(f"      {rule.row()}", *(["green"] if rule.owner == OURS else [])))
        if not own:
            print(coloured("      (no rule)", "dim"))


def difference(before: set[Rule], after: set[Rule], groups: dict[str, str]) -> None:
    """What came (+), went (−) and changed its owner (~), group by group; unchanged rules are counted."""
    came, went = after - before, before - after
    adopted = {rule for rule in came if replace(rule, owner=FOREIGN) in went}
    went -= {replace(rule, owner=FOREIGN) for rule in adopted}
    marked = [(rule, "~", "yellow") for rule in adopted] + [(rule, "+", "green") for rule in came - adopted] + \
        [(rule, "−", "red") for rule in went]
    for group in groups:
        rows = sorted((row for row in marked if row[0].group == group), key=lambda row: (row[0].order(), row[1]))
        same = sum(rule.group == group for rule in before & after)
        if rows:
            print(f"  {coloured(group, 'bold')}  {coloured(f'{same} unchanged', 'dim')}")
        for rule, mark, colour in rows:
            print(coloured(f"    {mark} {rule.row()}", colour))
    if not marked:
        print(coloured(f"  no change: {len(after)} rules as before", "dim"))
