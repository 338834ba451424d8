//! Objects, groups and plans, put together to a picture.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired;
use crate::model::{
    Binding, Consent, Declaration, Direction, Facts, GroupState, LoadBalancerFacts, LoadBalancerSelector, ObjectRef,
    Peer, Resolution, RuleSpec, SecurityGroupId, Tags, Traffic, Wants,
};

use super::standing::{self, Needs, Standing};
use super::{Drawing, Edge, Estate, Line, Node, NodeKind, Section, State};

/// Name of a card while the picture is put together; the order is that of the cards within a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Target {
        of: Box<Key>,
        name: String,
    },
    Group(SecurityGroupId),
    /// A binding whose group is not known.
    Unplaced(ObjectRef),
    Peers {
        of: SecurityGroupId,
        direction: Direction,
        number: usize,
    },
}

/// What an edge admits, on either side.
#[derive(Clone, Debug, Default)]
struct Admitted {
    egress: BTreeSet<Traffic>,
    ingress: BTreeSet<Traffic>,
}

pub(super) struct Composer<'a> {
    pub estate: &'a Estate<'a>,
    pub states: BTreeMap<&'a SecurityGroupId, &'a GroupState>,
    pub needs: Needs,
    /// How many groups are passed at most on the way to this one: of the groups that are drawn.
    pub depths: BTreeMap<SecurityGroupId, usize>,
    /// Rules that were drawn.
    drawn: BTreeSet<(SecurityGroupId, RuleSpec)>,
    nodes: BTreeMap<Key, Node>,
    edges: BTreeMap<(Key, Key, Standing), Admitted>,
}

impl Drawing {
    /// Draws everything that the objects need, and all rules of the groups that were read.
    pub fn of(estate: &Estate<'_>) -> Self {
        let mut composer = Composer {
            estate,
            states: estate.groups.iter().map(|(key, state)| (&key.id, *state)).collect(),
            needs: standing::needs(estate),
            depths: BTreeMap::new(),
            drawn: BTreeSet::new(),
            nodes: BTreeMap::new(),
            edges: BTreeMap::new(),
        };
        composer.depths = super::depths::of(&composer);
        composer.groups();
        composer.bindings();
        composer.rules();
        composer.finish()
    }
}

/// The column of a group that is so many groups away from the leftmost.
fn column(depth: usize) -> usize {
    2 * depth + 1
}

impl<'a> Composer<'a> {
    /// The objects with what they declare and what was found for them.
    pub fn objects(&self) -> impl Iterator<Item = (&'a ObjectRef, &'a Declaration, &'a Resolution)> + use<'a> {
        self.estate.objects.iter().map(|(object, (declaration, resolution))| (object, *declaration, *resolution))
    }

    pub fn rules_of(&self, id: &SecurityGroupId) -> BTreeMap<RuleSpec, Standing> {
        standing::of_group(self.estate, id, self.states.get(id).copied(), self.needs.get(id))
    }

    pub fn add_node(&mut self, key: Key, node: Node) {
        self.nodes.entry(key).or_insert(node);
    }

    pub fn admit(&mut self, from: Key, to: Key, standing: Standing, direction: Direction, traffic: Traffic) {
        let admitted = self.edges.entry((from, to, standing)).or_default();
        match direction {
            Direction::Ingress => admitted.ingress.insert(traffic),
            Direction::Egress => admitted.egress.insert(traffic),
        };
    }

    /// The card of a group, with the load balancers and the objects that have to do with it.
    fn groups(&mut self) {
        for (id, depth) in self.depths.clone() {
            let mut sections = Vec::new();
            for (object, declaration, resolution) in self.objects() {
                if resolution.facts.group.as_ref() == Some(&id) {
                    let of_binding = declaration.wants.binding().map(|binding| load_balancer(binding, resolution));
                    let section = of_binding.unwrap_or_else(|| access(object, resolution));
                    if !sections.contains(&section) {
                        sections.push(section);
                    }
                }
            }
            sections.push(self.group(&id));
            self.add_node(Key::Group(id), Node { kind: NodeKind::Group, column: column(depth), sections });
        }
    }

    fn group(&self, id: &SecurityGroupId) -> Section {
        let state = self.states.get(id).copied();
        let (title, mut lines) = match state.and_then(name_of) {
            Some(name) => (Line::Words(name.to_owned()), vec![Line::Code(id.to_string())]),
            None => (Line::Code(id.to_string()), Vec::new()),
        };
        match state {
            None => lines.push(Line::Words("its rules were not read".into())),
            Some(state) if state.consent(self.estate.us) == Consent::Refused => {
                lines.push(Line::Words("not opted in".into()));
            }
            Some(_) => {}
        }
        let unreadable = state.map_or(0, |state| state.unreadable.ingress + state.unreadable.egress);
        if unreadable > 0 {
            lines.push(Line::Words(format!("{unreadable} rules that are not understood")));
        }
        Section { caption: "security group".into(), title, lines, more: Vec::new() }
    }

    fn bindings(&mut self) {
        for (object, declaration, resolution) in self.objects() {
            let Wants::Binding(binding) = &declaration.wants else { continue };
            let (from, column) = match &resolution.facts.group {
                Some(id) => (Key::Group(id.clone()), column(self.depths.get(id).copied().unwrap_or_default())),
                None => {
                    let key = Key::Unplaced(object.clone());
                    let sections = vec![load_balancer(binding, resolution)];
                    self.add_node(key.clone(), Node { kind: NodeKind::Group, column: column(0), sections });
                    (key, column(0))
                }
            };
            for target in desired::target_groups(binding, &resolution.facts) {
                let key = Key::Target { of: Box::new(from.clone()), name: target.name.to_owned() };
                let sections = vec![target_group(binding, &target)];
                self.add_node(key.clone(), Node { kind: NodeKind::TargetGroup, column: column + 1, sections });
                self.target_rules(binding, &resolution.facts, &from, &key, &target);
            }
        }
    }

    /// The rules by which a target group is reached: out of the load balancer's group, and into those of the targets.
    fn target_rules(
        &mut self,
        binding: &Binding,
        facts: &Facts,
        from: &Key,
        key: &Key,
        target: &desired::EffectiveTargetGroup<'_>,
    ) {
        let mut reached = BTreeSet::new();
        for (id, specs) in desired::of_target_group(binding, facts, target.name) {
            let standings = self.rules_of(&id);
            for spec in specs {
                let Some(standing) = standings.get(&spec).cloned() else { continue };
                let (one, other) = match spec.direction {
                    Direction::Egress => (from.clone(), key.clone()),
                    Direction::Ingress if self.is_behind(&id, facts.group.as_ref()) => {
                        (key.clone(), Key::Group(id.clone()))
                    }
                    Direction::Ingress => continue,
                };
                reached.extend([one.clone(), other.clone()]);
                self.admit(one, other, standing, spec.direction, spec.traffic);
                self.drawn.insert((id.clone(), spec));
            }
        }
        let mut join = |one: &Key, other: Key| {
            self.edges.entry((one.clone(), other, State::NoRule.into())).or_default();
        };
        if !reached.contains(from) {
            join(from, key.clone());
        }
        for id in &target.groups {
            let group = Key::Group(id.clone());
            if !reached.contains(&group) && self.is_behind(id, facts.group.as_ref()) {
                self.edges.entry((key.clone(), group, State::NoRule.into())).or_default();
            }
        }
    }

    /// Whether a group stands to the right of another; of one that is not known, every group does.
    pub fn is_behind(&self, id: &SecurityGroupId, other: Option<&SecurityGroupId>) -> bool {
        let depth = |id: &SecurityGroupId| self.depths.get(id).copied();
        depth(id).is_some_and(|here| other.and_then(depth).is_none_or(|there| there < here))
    }

    /// All other rules of the groups: with groups that are drawn, or with peers.
    fn rules(&mut self) {
        for id in self.depths.keys().cloned().collect::<Vec<_>>() {
            let mut others = Vec::new();
            for (spec, standing) in self.rules_of(&id) {
                if self.drawn.contains(&(id.clone(), spec.clone())) {
                    continue;
                }
                match &spec.peer {
                    Peer::SecurityGroup(peer) if self.leads_on(&id, spec.direction, peer) => {
                        let (here, there) = (Key::Group(id.clone()), Key::Group(peer.clone()));
                        let (from, to) = match spec.direction {
                            Direction::Ingress => (there, here),
                            Direction::Egress => (here, there),
                        };
                        self.admit(from, to, standing, spec.direction, spec.traffic);
                    }
                    _ => others.push((spec, standing)),
                }
            }
            self.peers(&id, others);
        }
    }

    /// Whether traffic of such a rule goes from left to right between groups that are drawn.
    fn leads_on(&self, id: &SecurityGroupId, direction: Direction, peer: &SecurityGroupId) -> bool {
        let (Some(here), Some(there)) = (self.depths.get(id), self.depths.get(peer)) else { return false };
        match direction {
            Direction::Ingress => there < here,
            Direction::Egress => here < there,
        }
    }

    fn finish(self) -> Drawing {
        let mut keyed: Vec<(Key, Node)> = self.nodes.into_iter().collect();
        keyed.sort_by(|(one, a), (other, b)| (a.column, one).cmp(&(b.column, other)));
        let index: BTreeMap<Key, usize> = keyed.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
        let edge = |((from, to, standing), admitted): ((Key, Key, Standing), Admitted)| {
            let (from, to) = (*index.get(&from)?, *index.get(&to)?);
            let Standing { state, note } = standing;
            Some(Edge { from, to, state, egress: admitted.egress, ingress: admitted.ingress, note })
        };
        let mut edges: Vec<Edge> = self.edges.into_iter().filter_map(edge).collect();
        edges.sort_by_key(|edge| (edge.from, edge.to));
        Drawing { title: title(self.estate), nodes: keyed.into_iter().map(|(_, node)| node).collect(), edges }
    }
}

fn title(estate: &Estate<'_>) -> String {
    const NAMED: usize = 3;
    match estate.objects.len() {
        0 => "Security groups".into(),
        number if number > NAMED => format!("{number} objects"),
        _ => estate.objects.keys().map(ObjectRef::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// What people call a group: by its tag `Name`, which the console shows, else by the group's own name.
pub(super) fn name_of(group: &GroupState) -> Option<&str> {
    let names = [group.tags.get("Name").map(String::as_str), Some(group.name.as_str())];
    names.into_iter().flatten().find(|name| !name.trim().is_empty())
}

fn load_balancer(binding: &Binding, resolution: &Resolution) -> Section {
    let problems = problems(resolution);
    let Some(found) = &resolution.facts.load_balancer else {
        let title = binding.load_balancer.as_ref().map_or_else(|| "a group alone".to_owned(), selected);
        let unknown = binding.load_balancer.is_some().then(|| Line::Words("not found".into()));
        let lines = unknown.into_iter().chain(problems).collect();
        return Section { caption: "load balancer".into(), title: Line::Words(title), lines, more: Vec::new() };
    };
    let lines = [Line::Words(format!("{}, {}", found.kind.word(), found.scheme.word())), listeners(found)];
    Section {
        caption: "load balancer".into(),
        title: Line::Words(found.name.clone()),
        lines: lines.into_iter().chain(problems).collect(),
        more: Vec::new(),
    }
}

fn listeners(load_balancer: &LoadBalancerFacts) -> Line {
    let ports: Vec<String> = load_balancer.listeners.keys().map(u16::to_string).collect();
    Line::Words(match &ports[..] {
        [] => "no listener".into(),
        [port] => format!("listener {port}"),
        ports => format!("listeners {}", ports.join(", ")),
    })
}

fn selected(selector: &LoadBalancerSelector) -> String {
    let pairs = |tags: &Tags| tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
    match selector {
        LoadBalancerSelector::Arn(arn) => arn.name().to_owned(),
        LoadBalancerSelector::Name(name) => name.clone(),
        LoadBalancerSelector::Tags(tags) => pairs(tags),
        LoadBalancerSelector::InCluster(referent) => referent.to_string(),
    }
}

fn access(object: &ObjectRef, resolution: &Resolution) -> Section {
    let title = Line::Words(format!("{}/{}", object.namespace, object.name));
    Section { caption: "access".into(), title, lines: problems(resolution).collect(), more: Vec::new() }
}

fn problems(resolution: &Resolution) -> impl Iterator<Item = Line> + use<> {
    let reasons: BTreeSet<&'static str> = resolution.problems.iter().map(|problem| problem.reason.word()).collect();
    reasons.into_iter().map(|reason| Line::Words(format!("problem: {reason}")))
}

fn target_group(binding: &Binding, target: &desired::EffectiveTargetGroup<'_>) -> Section {
    let role = binding.blue_green.as_ref().and_then(|pair| match target.name {
        name if name == pair.blue => Some("blue"),
        name if name == pair.green => Some("green"),
        _ => None,
    });
    let caption = role.map_or_else(|| "target group".to_owned(), |role| format!("target group, {role}"));
    let protocol = target.facts.map(|facts| facts.protocol.0.clone());
    let ports: Vec<String> = target.ports.iter().map(u16::to_string).collect();
    let ports = if ports.is_empty() { "no port is known".into() } else { ports.join(", ") };
    let served = protocol.map_or_else(|| ports.clone(), |protocol| format!("{protocol} on {ports}"));
    let weight = target.facts.and_then(|facts| facts.weight).filter(|_| role.is_some());
    let weight = weight.map(|weight| format!(", weight {weight}")).unwrap_or_default();
    let mut lines = vec![Line::Words(format!("{served}{weight}"))];
    lines.extend(target.health_check_port.map(|port| Line::Words(format!("health check on {port}"))));
    let control = target.facts.and_then(|facts| facts.control_port);
    lines.extend(control.map(|port| Line::Words(format!("target control on {port}"))));
    let addresses: Vec<String> = target.addresses.iter().map(ToString::to_string).collect();
    let (shown, more) = super::peers::first(addresses);
    lines.extend(shown.into_iter().map(Line::Code));
    Section { caption, title: Line::Words(target.name.to_owned()), lines, more }
}
