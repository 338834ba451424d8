use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;

use super::estates::{self, Sketch};
use super::*;
use crate::api::ForeignRules;
use crate::model::{Direction, Farewell, Stance, Traffic, Unreadable};
use crate::testing::{foreign, spec, us};

/// The cards of each column by their titles, and every edge, such as `shop/shop-alb -> web: tcp 8080`.
fn outline(drawing: &Drawing) -> Vec<String> {
    let name = |node: &Node| node.sections.iter().map(|section| section.title.text()).collect::<Vec<_>>().join("/");
    let card = |node: &Node| format!("{}: {}", node.column, name(node));
    let edge = |edge: &Edge| {
        let told = text::edge(drawing, edge).unwrap_or_else(|| edge.state.words().to_owned());
        format!("{} -> {}: {told}", name(&drawing.nodes[edge.from]), name(&drawing.nodes[edge.to]))
    };
    drawing.nodes.iter().map(card).chain(drawing.edges.iter().map(edge)).collect()
}

fn pictures(name: &str, sketch: &Sketch) {
    let drawing = sketch.draw();
    insta::assert_snapshot!(format!("{name}.mermaid"), mermaid(&drawing));
    insta::assert_snapshot!(format!("{name}.dot"), dot(&drawing));
    insta::assert_snapshot!(format!("{name}.svg"), svg(&drawing));
}

#[test]
fn one_target_group() {
    pictures("one-target-group", &estates::small());
}

#[test]
fn an_access_with_twelve_peers() {
    pictures("access", &estates::database());
}

#[test]
fn hostile_names() {
    pictures("hostile-names", &estates::hostile());
}

#[test]
fn every_rule_stands_where_it_belongs_in_its_state() {
    assert_eq!(
        outline(&estates::ten().draw()),
        [
            "0: anywhere",
            "0: 203.0.113.0/24",
            "1: shop/shop-alb",
            "2: accounts",
            "2: cart",
            "2: catalogue",
            "2: checkout",
            "2: payments",
            "2: reviews",
            "2: search",
            "2: warehouse",
            "2: web-blue",
            "2: web-green",
            "2: 198.51.100.0/24",
            "2: anywhere",
            "2: the group itself",
            "2: 10.1.0.0/16",
            "3: eks-nodes",
            "3: payments",
            "3: search",
            "anywhere -> shop/shop-alb: tcp 80, 443",
            "203.0.113.0/24 -> shop/shop-alb: foreign: tcp 22",
            "shop/shop-alb -> accounts: tcp 7000",
            "shop/shop-alb -> cart: tcp 7100, 7101",
            "shop/shop-alb -> catalogue: tcp 7200",
            "shop/shop-alb -> checkout: tcp 7300, 7301",
            "shop/shop-alb -> payments: tcp 8443",
            "shop/shop-alb -> reviews: tcp 7600, 7601",
            "shop/shop-alb -> search: tcp 9200, 9300",
            "shop/shop-alb -> warehouse: tcp 8000",
            "shop/shop-alb -> web-blue: tcp 8080, 8081",
            "shop/shop-alb -> web-green: tcp 9090",
            "shop/shop-alb -> web-green: to be made: tcp 9091",
            "shop/shop-alb -> 198.51.100.0/24: tcp 443",
            "shop/shop-alb -> anywhere: foreign: all traffic",
            "shop/shop-alb -> search: to be taken away: tcp 6000",
            "accounts -> eks-nodes: tcp 7000",
            "cart -> eks-nodes: tcp 7100, 7101",
            "catalogue -> eks-nodes: tcp 7200",
            "checkout -> eks-nodes: tcp 7300, 7301",
            "payments -> payments: held: tcp 8443 (not made: Contested)",
            "reviews -> eks-nodes: tcp 7600, 7601",
            "search -> search: tcp 9200, 9300",
            "web-blue -> eks-nodes: tcp 8080, 8081",
            "web-green -> eks-nodes: tcp 9090",
            "web-green -> eks-nodes: to be made: tcp 9091",
            "the group itself -> eks-nodes: foreign: all traffic",
            "10.1.0.0/16 -> eks-nodes: another cluster's: tcp 10250",
        ]
    );
}

#[test]
fn a_group_that_several_objects_name_is_one_card_and_leads_on() {
    assert_eq!(
        outline(&estates::chain().draw()),
        [
            "0: anywhere",
            "1: shop/shop-alb",
            "1: not-there",
            "2: web",
            "2: api",
            "3: shop-web",
            "5: team-shop/orders-db/orders-db",
            "anywhere -> shop/shop-alb: tcp 443",
            "shop/shop-alb -> web: tcp 8080",
            "not-there -> api: no rule",
            "web -> shop-web: tcp 8080",
            "api -> shop-web: no rule",
            "shop-web -> team-shop/orders-db/orders-db: to be made: ingress tcp 5432",
            "shop-web -> team-shop/orders-db/orders-db: foreign: egress tcp 5432",
        ]
    );
}

#[test]
fn a_hundred_peers_are_a_few_cards() {
    assert_eq!(
        outline(&estates::crowded().draw()),
        [
            "0: 100 networks",
            "0: anywhere",
            "0: 10.0.1.0/24",
            "0: 10.0.2.0/24",
            "0: 10.0.3.0/24",
            "0: 27 further networks",
            "1: shop/shop-alb",
            "2: web",
            "3: shop-web",
            "100 networks -> shop/shop-alb: foreign: tcp 443",
            "anywhere -> shop/shop-alb: tcp 443",
            "10.0.1.0/24 -> shop/shop-alb: foreign: tcp 2001",
            "10.0.2.0/24 -> shop/shop-alb: foreign: tcp 2002",
            "10.0.3.0/24 -> shop/shop-alb: foreign: tcp 2003",
            "27 further networks -> shop/shop-alb: foreign: tcp 2004, 2005, 2006, 2007, 2008, 2009, +21 more",
            "shop/shop-alb -> web: tcp 8080",
            "web -> shop-web: tcp 8080",
        ]
    );
}

#[test]
fn what_was_not_read_is_not_drawn_as_if_it_were_there() {
    let sketch = Sketch { groups: BTreeMap::new(), ..estates::small() };
    assert_eq!(
        outline(&sketch.draw()),
        [
            "0: anywhere",
            "1: shop/sg-0a1b2c3d4e5f60718",
            "2: web",
            "3: sg-0b2c3d4e5f6071829",
            "anywhere -> shop/sg-0a1b2c3d4e5f60718: needed, not seen: tcp 443",
            "shop/sg-0a1b2c3d4e5f60718 -> web: needed, not seen: tcp 8080",
            "web -> sg-0b2c3d4e5f6071829: needed, not seen: tcp 8080",
        ]
    );
}

#[test]
fn what_an_object_that_goes_needed_is_no_need() {
    let mut sketch = Sketch { groups: BTreeMap::new(), ..estates::small() };
    for (declaration, _) in sketch.objects.values_mut() {
        declaration.stance = Stance::Leaving(Farewell::Revoke);
    }
    let expected = [
        "1: shop/sg-0a1b2c3d4e5f60718",
        "2: web",
        "3: sg-0b2c3d4e5f6071829",
        "shop/sg-0a1b2c3d4e5f60718 -> web: no rule",
        "web -> sg-0b2c3d4e5f6071829: no rule",
    ];
    assert_eq!(outline(&sketch.draw()), expected);
}

#[test]
fn foreign_rules_go_or_are_kept_for_a_reason() {
    let mut sketch = estates::database();
    for (declaration, _) in sketch.objects.values_mut() {
        declaration.foreign_rules = ForeignRules::Remove;
    }
    for group in sketch.groups.values_mut() {
        group.rules.retain(|rule| rule.tags.is_empty());
        group.rules.push(foreign("ingress tcp 23 from 10.98.0.0/16"));
    }
    sketch.contested.insert(spec("ingress tcp 23 from 10.98.0.0/16"));
    let told = |line: &String| line.contains("foreign") || line.contains("taken away");
    let of_foreign: Vec<String> = outline(&sketch.draw()).into_iter().filter(told).collect();
    let expected = [
        "the group itself -> team-shop/orders-db/orders-db: to be taken away: tcp 5432",
        "10.99.0.0/16 -> team-shop/orders-db/orders-db: to be taken away: all traffic",
        "10.98.0.0/16 -> team-shop/orders-db/orders-db: foreign: tcp 23 (kept: Contested)",
    ];
    assert_eq!(of_foreign, expected);
}

#[test]
fn a_group_tells_what_is_wrong_with_it() {
    let mut sketch = estates::small();
    for group in sketch.groups.values_mut() {
        group.tags.clear();
        group.unreadable = Unreadable { ingress: 1, egress: 2 };
    }
    let drawing = sketch.draw();
    let section = drawing.nodes.last().and_then(|node| node.sections.last());
    let lines: Vec<&str> = section.iter().flat_map(|section| &section.lines).map(Line::text).collect();
    assert_eq!(lines, ["not opted in", "3 rules that are not understood"]);
}

#[test]
fn nothing_to_draw_is_a_picture_too() {
    let estate = Estate { us: &us(), objects: &BTreeMap::new(), groups: &BTreeMap::new(), steps: &[], held: &[] };
    let drawing = Drawing::of(&estate);
    assert_eq!(outline(&drawing), [""; 0]);
    assert!(roxmltree::Document::parse(&svg(&drawing)).is_ok());
}

#[test]
fn a_circle_of_groups_is_cut_once() {
    let rules = |texts: [&str; 2]| texts.map(foreign).to_vec();
    let sketch = Sketch::default()
        .group("sg-a", "a", rules(["ingress tcp 22 from sg-b", "egress tcp 22 to sg-a"]))
        .group("sg-b", "b", rules(["ingress tcp 22 from sg-a", "egress tcp 22 to sg-a"]));
    assert_eq!(
        outline(&sketch.draw()),
        [
            "0: b",
            "1: a",
            "2: the group itself",
            "3: b",
            "4: a",
            "b -> a: foreign: tcp 22",
            "a -> the group itself: foreign: tcp 22",
            "a -> b: foreign: ingress tcp 22",
            "b -> a: foreign: tcp 22",
        ]
    );
}

/// The traffic of all edges of a state that admit it by rules of a group in a direction.
fn drawn(drawing: &Drawing, group: &str, direction: Direction) -> BTreeSet<Traffic> {
    let is_here = |index: usize| {
        let lines =
            drawing.nodes[index].sections.iter().flat_map(|section| [&section.title].into_iter().chain(&section.lines));
        drawing.nodes[index].kind == NodeKind::Group && lines.map(Line::text).any(|text| text == group)
    };
    let of_edge = |edge: &Edge| match direction {
        Direction::Ingress if is_here(edge.to) => edge.ingress.clone(),
        Direction::Egress if is_here(edge.from) => edge.egress.clone(),
        _ => BTreeSet::new(),
    };
    drawing.edges.iter().flat_map(of_edge).collect()
}

/// What of the rules of each group is not drawn.
fn left_out(sketch: &Sketch) -> Vec<String> {
    let drawing = sketch.draw();
    let mut missing = Vec::new();
    for (key, group) in &sketch.groups {
        for direction in [Direction::Ingress, Direction::Egress] {
            let drawn = drawn(&drawing, key.id.as_str(), direction);
            let rules = group.rules.iter().map(|rule| &rule.spec).filter(|spec| spec.direction == direction);
            missing.extend(rules.filter(|spec| !drawn.contains(&spec.traffic)).map(|spec| format!("{key} {spec}")));
        }
    }
    missing
}

#[test]
fn no_rule_that_is_there_is_left_out() {
    for (name, sketch) in estates::all() {
        assert_eq!(left_out(&sketch), [""; 0], "{name}");
    }
}

fn rule() -> impl Strategy<Value = String> {
    let peers = &["sg-a", "sg-b", "sg-c", "sg-d", "sg-far", "10.0.0.0/8", "0.0.0.0/0", "::/0", "pl-1"][..];
    let traffic = prop_oneof![(1..9_u16).prop_map(|port| format!("tcp {port}")), Just("all".to_owned())];
    (select(&["ingress", "egress"][..]), traffic, select(peers)).prop_map(|(direction, traffic, peer)| {
        let preposition = if direction == "ingress" { "from" } else { "to" };
        format!("{direction} {traffic} {preposition} {peer}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rules_all_are_drawn_from_left_to_right(
        rules in prop::collection::vec(prop::collection::btree_set(rule(), 0..12), 4),
    ) {
        let groups = ["sg-a", "sg-b", "sg-c", "sg-d"].into_iter().zip(rules);
        let sketch = groups.fold(Sketch::default(), |sketch, (id, rules)| {
            sketch.group(id, "", rules.iter().map(|rule| foreign(rule)).collect())
        });
        prop_assert_eq!(left_out(&sketch), [""; 0]);
        let drawing = sketch.draw();
        for edge in &drawing.edges {
            let (from, to) = (&drawing.nodes[edge.from], &drawing.nodes[edge.to]);
            prop_assert!(from.column < to.column, "{:?}", outline(&drawing));
        }
    }
}

#[test]
fn many_ports_are_counted_and_texts_are_cleaned() {
    let ports = |range: std::ops::Range<u16>| range.map(Traffic::tcp).collect();
    assert_eq!(text::traffic(&ports(1..7)), ["tcp 1, 2, 3, 4, 5, 6"]);
    assert_eq!(text::traffic(&ports(1..9)), ["tcp 1, 2, 3, 4, 5, 6, +2 more"]);
    assert_eq!(text::clean(" a\tb\r\nc\u{202e}d\0 "), "a b  c\u{fffd}d\u{fffd}");
    assert_eq!(text::clean("e\u{301}\u{301}\u{301}\u{301}x"), "e\u{301}\u{301}x");
}
