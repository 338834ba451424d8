use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;

use crate::aws::{AwsError, Cloud, FoundLoadBalancer, Listener, LoadBalancer};
use crate::model::{
    Binding, Consent, ElbArn, GroupSelector, ListenerFacts, LoadBalancerFacts, LoadBalancerKind, LoadBalancerSelector,
    Problem, Reason, SecurityGroupId, Thing, VpcFacts, VpcId,
};

use super::Resolving;

/// Target groups that listeners and rules forward to, with the sum of their weights.
pub(super) type Forwards = BTreeMap<ElbArn, i32>;

impl Resolving<'_> {
    /// Finds the load balancer, its listeners and the group of it that is written.
    pub(super) async fn load_balancer(&mut self, binding: &Binding) -> Forwards {
        let Some(selector) = &binding.load_balancer else {
            self.group_alone(binding).await;
            return Forwards::new();
        };
        let Some(found) = self.find(selector).await else {
            if !self.gone.contains(&Thing::LoadBalancer) {
                self.fall_back();
            }
            return Forwards::new();
        };
        let Some((listeners, forwards)) = self.listeners(&found).await else {
            self.fall_back();
            return Forwards::new();
        };
        self.vpc(&found.vpc).await;
        self.facts.load_balancer = Some(facts(&found, listeners));
        self.facts.group = self.group_of(binding, &found).await;
        forwards
    }

    /// What was last known of the load balancer stays in force.
    fn fall_back(&mut self) {
        self.facts.load_balancer = self.previous.load_balancer.clone();
        self.facts.group = self.previous.group.clone();
        self.facts.vpc = self.previous.vpc.clone();
    }

    async fn find(&mut self, selector: &LoadBalancerSelector) -> Option<LoadBalancer> {
        let (answer, wanted) = match selector {
            LoadBalancerSelector::Arn(arn) => {
                (self.cloud.load_balancer_by_arn(arn).await.map(Vec::from_iter), format!("with ARN {arn}"))
            }
            LoadBalancerSelector::Name(name) => {
                (self.cloud.load_balancer_by_name(name).await.map(Vec::from_iter), format!("named {name:?}"))
            }
            LoadBalancerSelector::Tags(tags) => {
                let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                (self.cloud.load_balancers_tagged(tags).await, format!("with tags {}", pairs.join(", ")))
            }
            LoadBalancerSelector::InCluster(referent) => return self.behind(referent).await,
        };
        let mut found = self.answer(answer)?;
        match found.len() {
            1 => found.pop().and_then(|found| self.usable(found)),
            0 => {
                let message = format!(
                    "no load balancer {wanted} in {}: check spec.loadBalancer, spec.region and spec.accountID",
                    self.cloud.scope()
                );
                self.absent(Thing::LoadBalancer, Reason::LoadBalancerNotFound, message);
                None
            }
            _ => {
                let names: Vec<&str> = found.iter().map(|each| each.arn().name()).collect();
                let message = format!(
                    "{} load balancers {wanted}: {}. Write tags that only one of them carries, or its ARN",
                    found.len(),
                    names.join(", ")
                );
                self.unknown(Reason::LoadBalancerAmbiguous, message);
                None
            }
        }
    }

    fn usable(&mut self, found: FoundLoadBalancer) -> Option<LoadBalancer> {
        match found {
            FoundLoadBalancer::Usable(found) => Some(found),
            FoundLoadBalancer::WithoutGroups { arn, kind } => {
                let message =
                    format!("{arn} is a {kind} load balancer, which has no security groups: bind an ALB or NLB");
                self.unknown(Reason::LoadBalancerNotFound, message);
                None
            }
        }
    }

    async fn listeners(&mut self, found: &LoadBalancer) -> Option<(BTreeMap<u16, ListenerFacts>, Forwards)> {
        let answer = read_listeners(self.cloud, found).await;
        self.answer(answer)
    }

    pub(super) async fn vpc(&mut self, id: &VpcId) {
        let answer = self.cloud.vpc_cidrs(id).await;
        self.facts.vpc = match self.answer(answer) {
            Some(cidrs) => Some(VpcFacts { id: id.clone(), cidrs }),
            None => self.previous.vpc.clone().filter(|vpc| vpc.id == *id),
        };
    }

    /// Which of the load balancer's groups is written.
    async fn group_of(&mut self, binding: &Binding, found: &LoadBalancer) -> Option<SecurityGroupId> {
        if found.groups.is_empty() {
            let message = format!(
                "load balancer {} has no security group, so rules can't refer to it: create it anew with one, or admit the \
                 clients' CIDRs on the targets' security groups",
                found.name
            );
            self.problems.push(Problem::new(Reason::NetworkLoadBalancerWithoutSecurityGroup, message));
            return None;
        }
        if let Some(selector) = &binding.group {
            let group = self.select_group("spec.loadBalancer.securityGroup", selector, &found.vpc).await?;
            if found.groups.contains(&group) {
                return Some(group);
            }
            let message = format!(
                "spec.loadBalancer.securityGroup is {group}, which load balancer {} does not carry: it has {}",
                found.name,
                list(&found.groups)
            );
            self.unknown(Reason::SecurityGroupNotFound, message);
            return self.previous.group.clone();
        }
        let what = format!("load balancer {}", found.name);
        let chosen = self.only_opted_in(&what, &found.groups, "spec.loadBalancer.securityGroup").await;
        chosen.or_else(|| self.previous.group.clone().filter(|group| found.groups.contains(group)))
    }

    /// The only group of several, else the only one that has opted in.
    pub(super) async fn only_opted_in(
        &mut self,
        what: &str,
        groups: &BTreeSet<SecurityGroupId>,
        field: &str,
    ) -> Option<SecurityGroupId> {
        if groups.len() == 1 {
            return groups.first().cloned();
        }
        let mut opted_in = BTreeSet::new();
        for id in groups {
            let answer = self.cloud.group(id).await;
            let group = self.answer(answer)?;
            if group.is_some_and(|group| Consent::read(self.us, &group.tags) != Consent::Refused) {
                opted_in.insert(id.clone());
            }
        }
        match opted_in.len() {
            1 => opted_in.pop_first(),
            0 => {
                let message = format!(
                    "{what} has several security groups ({}), and none of them has opted in to cluster {}. Choose the one that may \
                     be written: aws ec2 create-tags --region {} --resources SG-ID --tags Key={},Value=owned \
                     Key=sgbind.dev/namespaces,Value=NAMESPACE",
                    list(groups),
                    self.us.cluster,
                    self.cloud.scope().region,
                    self.us.cluster.tag_key()
                );
                self.unknown(Reason::SecurityGroupNotOptedIn, message);
                None
            }
            _ => {
                let message = format!(
                    "{what} has several security groups that have opted in ({}): name the one that is meant in {field}",
                    list(&opted_in)
                );
                self.unknown(Reason::SecurityGroupAmbiguous, message);
                None
            }
        }
    }

    /// A group without a load balancer: `spec.loadBalancer.securityGroup` alone.
    async fn group_alone(&mut self, binding: &Binding) {
        self.fall_back();
        let Some(GroupSelector::Id { id, .. }) = &binding.group else {
            self.unknown(
                Reason::SecurityGroupNotFound,
                "without a load balancer there is no VPC to look in: name spec.loadBalancer.securityGroup by its id",
            );
            return;
        };
        let answer = self.cloud.group(id).await;
        match self.answer(answer) {
            Some(Some(group)) => {
                if let Some(vpc) = &group.vpc {
                    self.vpc(vpc).await;
                }
                self.facts.group = Some(id.clone());
            }
            Some(None) => {
                self.unknown(Reason::SecurityGroupNotFound, format!("no security group {id} in {}", self.cloud.scope()))
            }
            None => {}
        }
    }
}

async fn read_listeners(
    cloud: &Cloud,
    found: &LoadBalancer,
) -> Result<(BTreeMap<u16, ListenerFacts>, Forwards), AwsError> {
    let listeners: Vec<Listener> = cloud.listeners(&found.arn).await?;
    let has_rules = found.kind == LoadBalancerKind::Application;
    let rules =
        try_join_all(listeners.iter().map(async |listener| {
            if has_rules { cloud.rules_of_listener(&listener.arn).await } else { Ok(Vec::new()) }
        }))
        .await?;
    let (mut facts, mut forwards) = (BTreeMap::new(), Forwards::new());
    for (listener, rules) in listeners.iter().zip(rules) {
        let actions = || std::iter::once(&listener.default_actions).chain(&rules);
        let authenticates = actions().any(|actions| actions.authenticates);
        for (arn, weight) in actions().flat_map(|actions| &actions.forwards) {
            *forwards.entry(arn.clone()).or_default() += weight;
        }
        facts.insert(listener.port, ListenerFacts { protocol: listener.protocol.clone(), authenticates });
    }
    Ok((facts, forwards))
}

fn facts(found: &LoadBalancer, listeners: BTreeMap<u16, ListenerFacts>) -> LoadBalancerFacts {
    LoadBalancerFacts {
        arn: found.arn.clone(),
        name: found.name.clone(),
        dns_name: found.dns_name.clone(),
        kind: found.kind,
        scheme: found.scheme,
        ip_address_type: found.ip_address_type.clone(),
        groups: found.groups.clone(),
        listeners,
    }
}

/// Ids in a row, for messages.
pub(super) fn list(groups: &BTreeSet<SecurityGroupId>) -> String {
    groups.iter().map(SecurityGroupId::as_str).collect::<Vec<_>>().join(", ")
}
