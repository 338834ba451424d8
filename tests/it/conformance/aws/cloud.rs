//! An AWS to observe behaviours on. All that differs between the simulation, moto and a real account is how its
//! clients are configured, and in which estate they run.

use std::{net::Ipv4Addr, time::Duration};

use aws_types::SdkConfig;
use ipnet::Ipv4Net;

use super::{
    super::behaviour::Need,
    scene::{filter, must},
};

pub struct Cloud {
    pub ec2: aws_sdk_ec2::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub estate: Estate,
    /// Begins the names of all that this run makes, and is the value of its tag.
    pub run: String,
    /// For so long a read may not show what was written.
    pub lag: Duration,
}

/// Where behaviours happen.
pub struct Estate {
    pub vpc: String,
    pub subnets: Vec<Subnet>,
    pub has_ipv6: bool,
    /// The Region's default VPC, where it may be used.
    pub default_vpc: Option<String>,
}

pub struct Subnet {
    pub id: String,
    pub cidr: Ipv4Net,
}

impl Subnet {
    /// An address near the end, where nobody else's are.
    pub fn address(&self, from_end: u32) -> String {
        Ipv4Addr::from(u32::from(self.cidr.broadcast()) - 1 - from_end).to_string()
    }

    /// A block that can be delegated, before the last 64 addresses.
    pub fn delegated(&self, from_end: u32) -> String {
        format!("{}/28", Ipv4Addr::from(u32::from(self.cidr.broadcast()) + 1 - 64 - 16 * (from_end + 1)))
    }
}

impl Cloud {
    /// In a new VPC with IPv6 and two subnets, beside the default one.
    pub async fn with_own_vpc(config: &SdkConfig) -> Self {
        let ec2 = aws_sdk_ec2::Client::new(config);
        let made = must(
            "a VPC",
            ec2.create_vpc().cidr_block("10.0.0.0/16").amazon_provided_ipv6_cidr_block(true).send().await,
        );
        let vpc = made.vpc.and_then(|vpc| vpc.vpc_id).unwrap_or_default();
        for (block, zone) in [("10.0.0.0/20", "eu-central-1a"), ("10.0.16.0/20", "eu-central-1b")] {
            let call = ec2.create_subnet().vpc_id(&vpc).cidr_block(block).availability_zone(zone);
            must("a subnet", call.send().await);
        }
        let default = ec2.describe_vpcs().filters(filter("is-default", &["true"])).send().await;
        let default = must("the default VPC", default).vpcs().first().and_then(|vpc| vpc.vpc_id.clone());
        Self::new(config, &vpc, default, "sgbc-0".into(), Duration::ZERO).await
    }

    /// In a VPC that is there.
    pub async fn new(config: &SdkConfig, vpc: &str, default_vpc: Option<String>, run: String, lag: Duration) -> Self {
        let ec2 = aws_sdk_ec2::Client::new(config);
        let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
        let found = must(vpc, ec2.describe_vpcs().vpc_ids(vpc).send().await);
        let has_ipv6 = found.vpcs().iter().any(|vpc| !vpc.ipv6_cidr_block_association_set().is_empty());
        let subnets = must("the subnets", ec2.describe_subnets().filters(filter("vpc-id", &[vpc])).send().await);
        let mut subnets: Vec<_> = subnets.subnets.unwrap_or_default();
        // One in each zone, as load balancers need.
        subnets.sort_by(|a, b| (&a.availability_zone, &a.subnet_id).cmp(&(&b.availability_zone, &b.subnet_id)));
        subnets.dedup_by(|a, b| a.availability_zone == b.availability_zone);
        let subnets = subnets.iter().map(|subnet| Subnet {
            id: subnet.subnet_id.clone().unwrap_or_default(),
            cidr: subnet.cidr_block().and_then(|block| block.parse().ok()).expect("a subnet's block"),
        });
        let estate = Estate { vpc: vpc.to_owned(), subnets: subnets.collect(), has_ipv6, default_vpc };
        Self { ec2, elb, estate, run, lag }
    }

    /// What can't be observed here.
    pub fn lacks(&self) -> Vec<Need> {
        let mut lacks = Vec::new();
        if self.estate.default_vpc.is_none() {
            lacks.push(Need::DefaultVpc);
        }
        if !self.estate.has_ipv6 {
            lacks.push(Need::Ipv6);
        }
        lacks
    }

    pub fn subnet_ids(&self) -> Vec<String> {
        self.estate.subnets.iter().take(2).map(|subnet| subnet.id.clone()).collect()
    }
}
